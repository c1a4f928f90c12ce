ruleset forms {
  meta {
    name "Forms of the Node engine"
    use module counter alias app
    shares at, filled, kinds, matching, steps
  }

  global {
    __testing = __testing.put("mine", __testing{"events"}.length())

    at = function(text) { time:new(text) }
    called = function(f) { f(1, null) }
    filled = function() {
      [(function(a, b = 5) { a + b })(1, null), called(function(a, b = 6) { a + b }), app:next(null)]
    }
    kinds = function() { [noop.typeof(), send_directive.typeof(), app:next.typeof(), app:tell.typeof()] }
    matching = function(path) { [{"n": "bob"}, {"n": "Bea"}, {"n": "al"}].pick(path) }
    steps = function() { [app:step, app:next(), 3.app:next()] }
  }

  rule tell {
    select when forms tell n re#^(\d+)$# setting(n)
    app:tell(n, null) setting(said)
    fired { raise forms event "told" attributes {"said": said} }
  }

  rule told {
    select when forms told
    send_directive("told", event:attrs{"said"})
  }

  rule named {
    select when forms named
    send_directive(event:attrs{"name"}, event:attrs.get("options")) setting(made)
    fired { raise forms event "told" attributes {"said": made.delete(["meta", "txnId"])} }
  }

  rule ends {
    select when forms ends
    foreach [1, 2, 3] setting(n)
    send_directive("pass", {"n": n})
    fired {
      ent:before := n
      last if n == 2
      ent:behind := n
    }
    finally { ent:finally := n }
  }

  rule never { select when forms ends send_directive("never") }

  rule fails {
    select when forms fails
    fired {
      ent:before := "fails"
      error error "enough"
      ent:behind := "fails"
    }
    finally { ent:finally := "fails" }
  }

  rule failed {
    select when system error
    send_directive("failed", {"data": event:attrs{"data"}})
  }

  rule shown {
    select when forms shown
    send_directive("shown", {"before": ent:before, "behind": ent:behind, "finally": ent:finally})
  }

  rule marks {
    select when forms mark
    fired { mark ent:trail with event:attr("value") }
  }

  rule trail {
    select when forms trail
    send_directive("trail", {"newest": current ent:trail, "older": history (event:attrs{"n"} + 1) ent:trail})
  }

  rule plan {
    select when forms plan
    always {
      schedule forms event "told" at "2026-02-01T00:00:00Z" attributes {"said": {"n": 1}}
      schedule forms event "shown" at "2026-01-02T00:00:00Z"
    }
  }

  rule planned {
    select when forms planned
    send_directive("planned", {
      "made": schedule:list().map(function(each) { each{["event", "name"]} }),
      "due": event:list_scheduled().map(function(each) { each{"event"} }),
      "time": event:time,
    })
  }
}
