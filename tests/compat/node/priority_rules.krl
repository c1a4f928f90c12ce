ruleset priority_rules {
  rule first { select when order go send_directive("first") fired { raise order event "sub" attributes {"from": "first"} } }
  rule second { select when order go send_directive("second") fired { raise order event "sub" attributes {"from": "second"} } }
  rule sub { select when order sub send_directive("sub", event:attrs) fired { raise order event "deep" if event:attr("from") == "first" } }
  rule deep { select when order deep send_directive("deep") }
  rule third { select when order go send_directive("third") }
}
