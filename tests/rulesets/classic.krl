ruleset classic {
  meta {
    name "Classic schedules"
    description <<The forms that classic rulesets write, word for word.>>
    shares handle
  }

  global {
    handle = function() { ent:id.isnull() => null | ent:id.typeof() }
  }

  rule remind {
    select when classic remind
    always {
      schedule notification event "remind5" at time:add(time:now(), {"minutes": 5})
    }
  }

  rule remind_with_all {
    select when classic remind_with_all
    always {
      schedule notification event "remind5" at time:add(time:now(), {"minutes": 5})
        attributes event:attrs()
    }
  }

  rule flip {
    select when classic flip
    always {
      schedule flip event scratch repeat "5 0 * * *" with _name = "just_one"
    }
  }

  rule explicit_at {
    select when classic explicit
    always {
      schedule explicit event "x" at "2026-07-01T13:50:05Z" with a = 1 and b = "two" setting(id)
      ent:id := id
    }
  }

  rule heard {
    select when notification remind5 or flip scratch or explicit x
    send_directive(event:type(), event:attrs())
  }
}
