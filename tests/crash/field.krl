ruleset field {
  meta {
    name "Field"
    description <<
For several machines: repeats that send a message to another pico each time, a repeat with an end that runs a
program each time, events from outside, and a metronome. Everything counts what it does, so that what is lost or doubled shows.
    >>
    shares counts
  }

  global {
    counts = function() {
      { "beats": ent:beats.defaultsTo(0), "sent": ent:sent.defaultsTo(0), "got": ent:got.defaultsTo(0),
        "ended": ent:ended.defaultsTo(0), "told": ent:told.defaultsTo(0), "ticks": ent:ticks.defaultsTo(0),
        "ran": ent:ran.defaultsTo(0),
        "all": app:told.defaultsTo(0) }
    }
  }

  rule plan {
    select when field plan
    foreach 1.range(event:attr("beats")) setting (n)
    fired {
      ent:to := event:attr("to")
      schedule field event "beat" repeat "* * * * * *" attributes {"n": n}
    }
  }

  rule plan_with_end {
    select when field plan
    fired {
      schedule field event "ended" repeat "* * * * * *" attributes {"_count": event:attr("count")}
    }
  }

  rule beat {
    select when field beat
    event:send({"eci": ent:to, "domain": "field", "type": "got"})
    fired {
      ent:beats := ent:beats.defaultsTo(0) + 1
      ent:sent := ent:sent.defaultsTo(0) + 1
    }
  }

  rule got {
    select when field got
    fired {
      ent:got := ent:got.defaultsTo(0) + 1
    }
  }

  rule ended {
    select when field ended
    proc:run("/bin/sleep", ["0.2"])
    fired {
      ent:ended := ent:ended.defaultsTo(0) + 1
    }
  }

  rule ran {
    select when proc finished
    fired {
      ent:ran := ent:ran.defaultsTo(0) + 1
    }
  }

  rule told {
    select when field told
    fired {
      ent:told := ent:told.defaultsTo(0) + 1
      app:told := app:told.defaultsTo(0) + 1
    }
  }

  rule tick {
    select when metronome tick
    fired {
      ent:ticks := ent:ticks.defaultsTo(0) + 1
    }
  }
}
