ruleset schedule_chain {
  meta { shares steps }
  global { steps = function() { ent:steps.defaultsTo([]) } }
  rule begin {
    select when chain begin
    always { schedule chain event "step" at time:add(time:now(), {"seconds": 1}) attributes {"n": 1} }
  }
  rule step {
    select when chain step where event:attrs{"n"} < 3
    always {
      ent:steps := steps().append(event:attrs{"n"});
      schedule chain event "step" at time:add(time:now(), {"seconds": 1}) attributes {"n": event:attrs{"n"} + 1}
    }
  }
  rule last_step {
    select when chain step where event:attrs{"n"} >= 3
    always { ent:steps := steps().append("end") }
  }
}
