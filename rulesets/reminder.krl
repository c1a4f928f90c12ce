ruleset reminder {
  meta {
    name "Reminder"
    description <<Reminds you of things, each some minutes after it was last bumped: an idle timer, in other words.>>
    shares pending, last_fire
  }

  global {
    usual_minutes = 30

    // What is still to come is asked of the engine: a list of our own would go on naming what has come since.
    pending = function() {
      event:list_scheduled().map(function(each) {
        {"what": named(each{"id"}), "due": time:new(each{"next_scheduled"} * 1000)}
      })
    }

    named = function(id) { ids().keys().filter(function(what) { ids(){what} == id }).head() }
    ids = function() { ent:ids.defaultsTo({}) }

    // The history of a scheduled event outlives it, for as long as the engine keeps history. So its id is worth
    // keeping, although the event is gone.
    last_fire = function(what) {
      id = ent:ids{what};
      id.isnull() => null | event:get_history(id)
    }

    minutes_from_now = function(minutes) { time:add(time:now(), {"minutes": minutes}) }
  }

  rule remember {
    select when reminder wanted what re#(.+)# setting(what)
    pre {
      minutes = event:attrs{"minutes"}.defaultsTo(usual_minutes)
      already = ent:ids{what}
    }
    // Asked for again, a thing is still one thing to be reminded of.
    if already then event:remove_scheduled(already)
    always {
      schedule notification event "reminder_due" at minutes_from_now(minutes)
        attributes {"what": what, "minutes": minutes}
        setting(id)
      ent:ids{what} := id
    }
  }

  rule bump {
    select when reminder bumped what re#(.+)# setting(what)
    pre { minutes = event:attrs{"minutes"}.defaultsTo(usual_minutes) }
    // The old one goes and the new one comes in one commit. There is no moment at which both are due, nor one
    // at which neither is: a bump that arrives together with the reminder is before it or after it.
    event:remove_scheduled(ent:ids{what}) setting(was_pending)
    fired {
      schedule notification event "reminder_due" at minutes_from_now(minutes)
        attributes {"what": what, "minutes": minutes}
        setting(id) if was_pending
      ent:ids{what} := id if was_pending
    }
  }

  rule forget {
    select when reminder forgotten what re#(.+)# setting(what)
    event:remove_scheduled(ent:ids{what}) setting(was_pending)
    always {
      clear ent:ids{what} if was_pending
    }
  }

  rule remind {
    select when notification reminder_due
    send_directive("remind", {"of": event:attrs{"what"}, "after": event:attrs{"minutes"}})
  }
}
