ruleset morning {
  meta {
    shares greetings
  }

  global {
    greetings = function() { ent:greetings.defaultsTo(0) }
  }

  // Once is enough: a schedule with a name is made only if there is none of that name.
  rule plan {
    select when morning wanted
    pre { zone = event:attrs{"zone"}.defaultsTo("UTC") }
    always {
      schedule morning event "came" repeat "0 7 * * *"
        attributes {"_name": "every morning", "_timezone": zone}
    }
  }

  rule greet {
    select when morning came
    send_directive("say", {"text": "good morning"})
    fired {
      // In the same commit that records the fire: it is counted exactly once.
      ent:greetings := greetings() + 1
    }
  }
}
