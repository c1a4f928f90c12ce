ruleset evict {
  meta {
    name "Evict"
    description <<Keeps what it hears of, and forgets what it has not heard of for some time, at each tick of a metronome.>>
    shares known
  }

  global {
    // How long something is remembered.
    minutes = 30

    known = function() { ent:heard.defaultsTo({}).keys() }

    is_stale = function(heard) {
      time:compare(time:add(heard, {"minutes": minutes}), time:now()) <= 0
    }
  }

  rule hear {
    select when sensor heard name re#(.+)# setting(name)
    always {
      ent:heard{name} := time:now()
    }
  }

  // A metronome is a source of the engine: `[[source]] type = "metronome"`. This rule needs no schedule.
  rule evict {
    select when metronome tick
    foreach ent:heard.defaultsTo({}).filter(is_stale) setting(heard, name)
    send_directive("evicted", {"name": name, "heard": heard})
    always {
      clear ent:heard{name}
    }
  }
}
