ruleset faulty {
  meta {
    name "Faulty"
    description <<Works until it is broken, and keeps what it hears of what became of its schedules.>>
    shares heard, told, done, is, fires
  }

  global {
    heard = function() { ent:heard.defaultsTo([]).map(function(each) { each{"type"} }) }
    told = function() { ent:heard.reverse().head(){"attrs"}.delete("id").delete("why") }
    done = function() { ent:done.defaultsTo(0) }
    is = function(name) {
      event:show(ent:ids{name}).filter(function(_, key) {
        ["status", "due", "tries", "failures", "fires"] >< key
      })
    }
    fires = function(name) {
      event:fires(ent:ids{name}, 20).reverse().map(function(each) {
        [
          each{"nominal"},
          each{"outcome"},
          each{"stands_for"},
          each{"why"}.extract(re#(; .*)#).head()
        ]
      })
    }
    is_broken = function() { time:now() < ent:broken.defaultsTo("") }
  }

  rule at {
    select when plan at
    fired {
      schedule work event "do" at event:attrs{"when"}
        attributes event:attrs.delete("when")
        setting(id)
      ent:ids{event:attrs{"_name"}} := id
    }
  }

  rule repeat {
    select when plan repeat
    fired {
      schedule work event "do" repeat event:attrs{"when"}
        attributes event:attrs.delete("when")
        setting(id)
      ent:ids{event:attrs{"_name"}} := id
    }
  }

  rule stop {
    select when plan stop
    schedule:remove(ent:ids{event:attrs{"name"}})
  }

  rule be_broken {
    select when plan broken
    fired {
      ent:broken := event:attrs{"until"}
    }
  }

  rule count {
    select when work do
    fired {
      ent:done := done() + 1
    }
  }

  rule work {
    select when work do
    pre { _ = is_broken() => "work" - 1 | 0 }
  }

  rule forget {
    select when plan forget
    fired {
      clear ent:heard
    }
  }

  rule hear {
    select when schedule missed
      or schedule late
      or schedule throttled
      or schedule failed
      or schedule recovered
    fired {
      ent:heard := ent:heard.defaultsTo([]).append({"type": event:type, "attrs": event:attrs})
    }
  }
}
