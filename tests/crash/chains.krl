ruleset chains {
  meta {
    name "Chains"
    description <<
Four chains of scheduled events, each of which schedules the next for at once; events from outside; a rule
that waits for two of them; a repeat. Everything counts what it does, so that what is lost or doubled shows.
    >>
    shares begun
  }

  global {
    begun = function() { ent:begun.defaultsTo({}).keys() }
  }

  rule begin {
    select when crash begin chain re#(.+)# setting(chain)
    fired {
      ent:begun{chain} := true
      schedule crash event "tick" at time:now() attributes {"chain": chain}
    }
  }

  rule begin_second {
    select when crash begin chain re#c0#
    fired {
      schedule crash event "second" repeat "* * * * * *" with _name = "second"
    }
  }

  rule tick {
    select when crash tick chain re#(.+)# setting(chain)
    pre { count = ent:ticks{chain}.defaultsTo(0) + 1 }
    send_directive("tick", {"chain": chain, "count": count})
    fired {
      ent:ticks{chain} := count
      schedule crash event "tick" at time:now() with chain = chain
    }
  }

  rule second {
    select when crash second
    fired {
      ent:seconds := ent:seconds.defaultsTo(0) + 1
    }
  }

  rule told {
    select when crash told key re#(.+)# setting(key)
    fired {
      ent:told := ent:told.defaultsTo(0) + 1
      raise crash event "heard" attributes {"key": key}
    }
  }

  rule heard {
    select when crash heard
    fired {
      ent:heard := ent:heard.defaultsTo(0) + 1
    }
  }

  rule pair {
    select when crash told before crash told
    fired {
      ent:pairs := ent:pairs.defaultsTo(0) + 1
    }
  }
}
