ruleset schedule_string {
  meta { shares got, listed }
  global {
    got = function() { ent:got }
    listed = function() { schedule:list().map(function(s) { s{"event"}.filter(function(v, k) { k != "eci" }) }) }
  }
  rule set {
    select when s set
    always { schedule event "s:fire" at time:add(time:now(), {"seconds": 1}) attributes {"a": 1} }
  }
  rule none {
    select when s none
    always { raise event "s:now" attributes {"b": 2} }
  }
  rule fire { select when s fire always { ent:got := event:attrs } }
  rule now { select when s now send_directive("now", event:attrs) }
}
