ruleset sensor_community {
  meta {
    name "Sensor community"
    description <<One pico keeps a community of sensors; each sensor is a child of it that has this ruleset too.>>
    use module io.picolabs.wrangler alias wrangler
    use module io.picolabs.subscription alias subscription
    shares sensors, temperatures, temperature
  }

  global {
    // ---- the community ----

    sensors = function() { wrangler:children().map(function(child) { child{"name"} }).sort() }

    // Each sensor is asked when the question comes: nothing here can be out of date.
    temperatures = function() {
      joined().map(function(bus) {
        {
          "sensor": ent:names{bus{"Id"}},
          "celsius": wrangler:picoQuery(bus{"Tx"}, ctx:rid, "temperature")
        }
      })
    }

    joined = function() { subscription:established("Tx_role", "sensor") }

    // ---- a sensor ----

    temperature = function() { ent:celsius }

    door_of = function(eci) {
      wrangler:picoQuery(eci, "io.picolabs.subscription", "wellKnown_Rx"){"id"}
    }
  }

  rule new_sensor {
    select when community sensor_wanted name re#(.+)# setting(name)
    if sensors() >< name then send_directive("already", {"sensor": name})
    notfired {
      raise wrangler event "new_child_request" attributes {"name": name, "made_by": ctx:rid}
    }
  }

  // The child has its own rulesets by now. What it needs besides is this one.
  rule equip {
    select when wrangler child_initialized where event:attrs{"made_by"} == ctx:rid
    event:send({
      "eci": event:attrs{"eci"},
      "domain": "wrangler",
      "type": "install_ruleset_request",
      "attrs": {"url": ctx:rid_url, "made_by": ctx:rid}
    })
  }

  rule join {
    select when wrangler ruleset_installed where event:attrs{"made_by"} == ctx:rid
    always {
      raise wrangler event "subscription"
        attributes {
          "wellKnown_Tx": door_of(wrangler:parent_eci()),
          "name": wrangler:name(),
          "Rx_role": "sensor",
          "Tx_role": "community"
        }
    }
  }

  rule welcome {
    select when wrangler inbound_pending_subscription_added
      where event:attrs{"Rx_role"} == "community" && event:attrs{"Tx_role"} == "sensor"
    send_directive("welcome", {"sensor": event:attrs{"name"}})
    fired {
      ent:names{event:attrs{"Id"}} := event:attrs{"name"}
      raise wrangler event "pending_subscription_approval" attributes event:attrs
    }
  }

  rule measure {
    select when sensor measured
    foreach subscription:established("Tx_role", "community") setting(bus)
    event:send({
      "eci": bus{"Tx"},
      "domain": "community",
      "type": "measured",
      "attrs": {"sensor": wrangler:name(), "celsius": event:attrs{"celsius"}}
    })
    fired {
      ent:celsius := event:attrs{"celsius"} on final
    }
  }

  rule watch {
    select when community measured
    if event:attrs{"celsius"} > 30 then send_directive("too_hot", event:attrs)
  }

  rule report_daily {
    select when community report_wanted
    always {
      schedule notification event "report_due" repeat "0 7 * * *" attributes {"_name": "report"}
    }
  }

  rule report {
    select when notification report_due
    send_directive("report", {"temperatures": temperatures()})
  }

  rule retire {
    select when community sensor_unneeded name re#(.+)# setting(name)
    foreach wrangler:children().filter(function(child) { child{"name"} == name }) setting(child)
    pre { buses = joined().filter(function(bus) { ent:names{bus{"Id"}} == name }) }
    send_directive("goodbye", {"sensor": name})
    fired {
      raise wrangler event "subscription_cancellation" attributes {"Id": buses.head(){"Id"}}
      raise wrangler event "child_deletion_request" attributes {"eci": child{"eci"}}
    }
  }
}
