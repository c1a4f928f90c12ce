ruleset directives {
  global { show = defaction(a, b = 2) { every { send_directive("show", {"a": a, "b": b}) send_directive("show again") } } 
           add = defaction(x) { noop() return x + 1 } }
  rule names {
    select when d names
    every {
      send_directive("plain")
      send_directive(5, {"n": 5})
      send_directive("n" + 1, {"deep": {"list": [null, true, 1.5]}})
      send_directive("options", options = {"x": 1})
    }
  }
  rule set_it { select when d setting send_directive("d", {"x": 1}) setting(d)
    fired { raise d event "told" attributes {"d": d{"name"}} } }
  rule told { select when d told send_directive("told", event:attrs) }
  rule acts { select when d acts every { show(1) show(1, 3) show(b = 4, a = 9) add(4) setting(r) send_directive("r", {"r": r}) } }
  rule labelled { select when d sampled sample { send_directive("one") send_directive("one") } }
  rule none { select when d none }
}
