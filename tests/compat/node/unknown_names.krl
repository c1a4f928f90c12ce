ruleset unknown_names {
  meta { shares ok }
  global {
    ok = function() { 1 }
    never = function() { http:nosuch("x") }
    other = function() { nosuch:channels() }
  }
  rule bad { select when un used pre { x = other() } send_directive("bad", {"x": x}) }
  rule good { select when un hurt send_directive("good") }
}
