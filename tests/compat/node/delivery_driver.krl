ruleset delivery_driver {
  meta { shares state, profile, deliveries }
  global {
    profile = function() { {"name": ent:name, "rank": ent:rank.defaultsTo(50), "busy": ent:current => true | false} }
    deliveries = function(status) {
      all = ent:deliveries.defaultsTo({});
      status => all.filter(function(d) { d{"status"} == status }) | all
    }
    state = function() { ent:current }
    distance = function(a, b) { dx = a{"x"} - b{"x"}; dy = a{"y"} - b{"y"}; dx * dx + dy * dy }
  }
  rule offered {
    select when delivery offered
    pre {
      order = event:attrs{"order"}
      far = distance(order{"from"}, {"x": 0, "y": 0}) > 100
    }
    if not far && not ent:current then send_directive("bid", {"order": order{"id"}, "rank": profile(){"rank"}})
    fired {
      ent:deliveries := deliveries().put([order{"id"}, "status"], "bid");
      ent:deliveries{[order{"id"}, "order"]} := order
    } else {
      raise delivery event "declined" attributes {"id": order{"id"}, "far": far}
    }
  }
  rule declined { select when delivery declined send_directive("declined", event:attrs) }
  rule assigned {
    select when delivery assigned id re#(.+)# setting(id)
    if deliveries(){id} then send_directive("accepted", {"id": id})
    fired { ent:current := id; ent:deliveries{[id, "status"]} := "assigned"; ent:rank := ent:rank.defaultsTo(50) + 1 }
  }
  rule delivered {
    select when delivery assigned before delivery delivered id re#(.+)# setting(id)
    send_directive("delivered", {"id": id, "rank": ent:rank})
    fired { clear ent:current; ent:deliveries{[id, "status"]} := "done" }
  }
}
