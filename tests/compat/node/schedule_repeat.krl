ruleset schedule_repeat {
  meta { shares number, ids }
  global {
    number = function() { schedule:list().length() }
    ids = function() { schedule:list().map(function(s) { [s{"type"}, s{"timespec"}, s{["event", "domain"]}, s{["event", "name"]}, s{["event", "data", "attrs"]}] }) }
  }
  rule start {
    select when poll start
    if (number() == 0) then noop()
    fired {
      schedule poll event "tick" repeat "*/5 * * * *" attributes {"n": 1};
      schedule poll event "night" repeat "0 3 * * *"
    }
  }
  rule stop {
    select when poll stop
    foreach schedule:list() setting(s)
    schedule:remove(s{"id"})
  }
}
