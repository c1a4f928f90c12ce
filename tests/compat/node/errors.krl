ruleset errors {
  meta { shares state, boom }
  global { state = function() { ent:state } boom = function() { 1.nosuch() } }
  rule one { select when err now always { ent:state := "one" } }
  rule two { select when err now pre { x = "a".map(1)() } send_directive("two") always { ent:state := "two" } }
  rule three { select when err now send_directive("three") }
}
