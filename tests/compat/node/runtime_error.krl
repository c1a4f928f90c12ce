ruleset runtime_error {
  meta { shares state, boom }
  global { state = function() { ent:state } boom = function() { x = 5; x(1) } }
  rule one { select when err now always { ent:state := "one" } }
  rule two { select when err now pre { x = boom() } send_directive("two") always { ent:state := "two" } }
  rule three { select when err now send_directive("three") }
}
