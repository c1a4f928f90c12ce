ruleset courier {
  meta {
    shares sent
  }

  global {
    sent = function() { ent:sent.defaultsTo(0) }
  }

  // The event leaves once this turn is committed.
  rule send {
    select when parcel posted eci re#(.+)# host re#(.+)# setting(eci, host)
    event:send({"eci": eci, "domain": "parcel", "type": "arrived", "attrs": event:attrs.delete(["host"])}, host)
    always {
      ent:sent := sent() + 1
    }
  }

  rule send_with_the_host_inside {
    select when parcel addressed
    event:send({
      "eci": event:attrs{"eci"},
      "host": event:attrs{"host"},
      "domain": "parcel",
      "type": "arrived",
      "attrs": {"n": event:attrs{"n"}}
    }) setting(id)
    always {
      ent:sent := sent() + 1
      log info id.typeof()
    }
  }

  // What this rule sends is lost with it.
  rule send_and_fail {
    select when parcel dropped
    event:send({"eci": "anybody", "domain": "parcel", "type": "arrived"}, "https://example.org")
    always {
      ent:sent := "many".as("Nothing")
    }
  }

  rule send_here {
    select when parcel kept
    event:send({"eci": event:attrs{"eci"}, "domain": "parcel", "type": "arrived", "attrs": {"n": 1}})
  }

  rule arrived {
    select when parcel arrived
    send_directive("arrived", event:attrs)
  }
}
