ruleset unfinished {
  meta {
    name "Names that are not there"
    use module counter alias steps
    use module counter alias steps
    shares answer, member, module, value, acting
  }

  global {
    answer = function() { 42 }
    member = function() { time:nosuch(1) }
    module = function() { nosuch:call(1) }
    value = function(ask) { ask => warehouse:version | 1 }
    acting = function() { event:send({"eci": "x"}) }
  }

  rule works {
    select when unfinished works
    send_directive("works", {"step": steps:next()})
  }

  rule unknown_action {
    select when unfinished acts how re#unknown#
    every { send_directive("before") time:nosuch() }
  }

  rule function_as_action {
    select when unfinished acts how re#function#
    every { send_directive("before") time:now() }
  }

  rule sometimes {
    select when unfinished sometimes
    if event:attrs{"reach"} then nosuch:act()
    notfired { raise unfinished event "works" }
  }

  rule failed {
    select when system error
    send_directive("failed", {"rule": event:attrs{"rule_name"}})
  }
}
