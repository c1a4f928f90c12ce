// A ruleset that nobody
// has tidied.

ruleset untidy.greenhouse {  // beds and valves
  meta {
    name "Greenhouse"
    description <<
  Opens the valves,
    as #{"it"} stands here.
  >>
    shares readings, average
    use module io.picolabs.pump alias pump with key = "k" and limits = {"low": 1, "high": 2}
    window day from "0 8 * * *" to {"hours": [18]}  // in winter, too
    window summer
      from "0 6 * 5-9 mon-fri"
      to "0 21 * 5-9 mon-fri"
      in "America/Argentina/Buenos_Aires"
    window night from "0 22 * * *" to "0 6 * * *"
  }

  global {
    // What a bed gets.
    dose = {"tomatoes": 3, "lettuce": 1, /* they hardly need any */ "cactus": 0}
    wide = {
      "tomatoes": "a great deal of water",
      "lettuce": "some water",
      "cactus": "hardly any water at all",
      "fern": 2
    }
    noted = [
      "first",  // the first
      "second"
      // no third
    ]

    readings = function(bed, since = null) {
      all = ent:readings{bed}.defaultsTo([])

      return since.isnull() => all | all.filter(function(r) { r{"at"} > since })
    }
    average = function(bed) {
      sum = function(a, b) { a + b }
      found = readings(bed).map(function(r) { r{"moisture"} });
      found.length() > 0 => found.reduce(sum) / found.length() | null  // no readings, no average
    }
    level = function(m) {
      m < 10 => "dry as a bone, water it at once and water it well"
        | m < 30 => "dry"
        | m < 60 => "well"
        | "wet"
    }
    dry_beds = function() {
      ent:readings
        .defaultsTo({})
        .map(function(r) { r.head(){"moisture"} })
        .filter(function(m) { m < 30 })
        .keys()
        .sort()
    }
    note = defaction(text) { send_directive("note", {"text": text}) }
  }

  rule water_bed {  // the only one that waters
    select when (soil dry bed re#^(\w+)$# setting(bed) where event:attrs{"moisture"} < 30
      before soil dry
      within 5 minutes)
      or garden watered
    foreach ent:valves{bed} setting(valve, i)
    pre { litres = dose{bed}.defaultsTo(2) }
    if litres > 0 && not ent:frost then every {  // none is none
      send_directive("open", {"valve": valve})
      pump:start(litres) setting(job)
      /* and tell */ say => note("watering " + bed) with urgent = true
    }
    fired {
      ent:jobs{[bed, i]} := job
      ent:log := ent:log.defaultsTo([]).append({
        "bed": bed,
        "litres": litres,
        "job": job,
        "at": time:now()
      })
      // Dry again tomorrow.
      schedule soil event "dry" at time:add(time:now(), {"days": 1})
        attributes {"bed": bed, "moisture": 0}
        setting(id)

      raise garden event "watered" attributes {"bed": bed} if i == 0
    } else {
      log info <<no water for #{bed}>>
    } finally {  // a dry year
      last if bed == "cactus"
    }
  }

  // Nothing else grows here.
  rule frost {
    select when any 2 (weather frost, weather ice, weather snow)
    always {
      ent:frost := true
    }
  }
  /* The end. */
}
// Really.
