ruleset schedule_at {
  meta { shares pending, rung }
  global {
    pending = function() { schedule:list().map(function(s) { s.filter(function(v, k) { k != "event" }).put("event", s{["event", "name"]}) }) }
    rung = function() { ent:rung.defaultsTo([]) }
  }
  rule set {
    select when alarm set
    pre { seconds = event:attr("in").defaultsTo("1").as("Number") }
    send_directive("set", {"at": time:add(time:now(), {"seconds": seconds})})
    fired {
      schedule alarm event "rings" at time:add(time:now(), {"seconds": seconds}) attributes {"label": event:attr("label")} setting(s)
      ent:id := s{"id"}
    }
  }
  rule rings {
    select when alarm rings
    always { ent:rung := rung().append(event:attr("label")) }
  }
  rule cancel {
    select when alarm cancelled
    schedule:remove(ent:id)
  }
}
