ruleset tea_timer {
  meta {
    name "Tea timer"
    description <<Steeps a cup of tea: one event, scheduled once, that comes back when the tea is ready.>>
    shares cups, steeping
  }

  global {
    // A timer that is told nothing steeps a black tea.
    usual_minutes = 4

    cups = function() { ent:cups.defaultsTo(0) }

    // What is scheduled is asked of the engine and not kept in a variable of our own: so it is still true
    // after a restart, or when somebody has cancelled the event from outside.
    steeping = function() { event:list_scheduled().length() }
  }

  rule start {
    select when tea started
    pre {
      minutes = event:attrs{"minutes"}.defaultsTo(usual_minutes)
      ready_at = time:add(time:now(), {"minutes": minutes})
    }
    // A tea of no minutes is a slip of the pen, and would come back at once.
    if minutes > 0 then
      send_directive("say", {"text": "steeping"})
    fired {
      schedule notification event "tea_ready" at ready_at
        attributes {"tea": event:attrs{"tea"}.defaultsTo("tea")}
    }
  }

  rule ready {
    select when notification tea_ready
    pre { tea = event:attrs{"tea"} }
    send_directive("say", {"text": <<your #{tea} is ready>>})
    always {
      // The count and the fire are one commit: however the engine ends, no cup is counted twice.
      ent:cups := cups() + 1
    }
  }
}
