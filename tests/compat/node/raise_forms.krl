ruleset raise_forms {
  global { domain = "r" type = "three" }
  rule one { select when r begin always { raise r event "one"; raise r event "two" attributes {"a": 1}; raise r event type attributes event:attrs; raise event domain + ":four" attributes {"n": null} } }
  rule r1 { select when r one send_directive("one", {"attrs": event:attrs, "domain": event:domain}) }
  rule r2 { select when r two send_directive("two", event:attrs) }
  rule r3 { select when r three send_directive("three", event:attrs) }
  rule r4 { select when r four send_directive("four", event:attrs) }
  rule r5 { select when explicit five send_directive("five") }
  rule in_order { select when r order foreach [1, 2, 3] setting(n) send_directive("n", {"n": n}) fired { raise r event "said" attributes {"n": n} } }
  rule said { select when r said send_directive("said", event:attrs) fired { raise r event "deeper" attributes event:attrs if event:attrs{"n"} == 2 } }
  rule deeper { select when r deeper send_directive("deeper", event:attrs) }
  rule self_limited { select when r count pre { n = event:attr("n").defaultsTo(0) } if n < 3 then send_directive("count", {"n": n}) fired { raise r event "count" attributes {"n": n + 1} } }
}
