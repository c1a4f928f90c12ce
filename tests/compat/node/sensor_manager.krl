ruleset sensor_manager {
  meta {
    use module io.picolabs.wrangler alias wrangler
    shares sensors, children, one
  }
  global {
    sensors = function() { ent:sensors.defaultsTo({}) }
    children = function() { wrangler:children().map(function(c) { c{"name"} }) }
    one = function(name) { wrangler:picoQuery(sensors(){name}, "sensor_profile", "profile", {"key": "location"}) }
  }
  rule add {
    select when sensor new_sensor name re#(.+)# setting(name)
    if sensors() >< name then send_directive("exists", {"name": name})
    notfired {
      raise wrangler event "new_child_request" attributes {"name": name, "backgroundColor": "#13A169", "sensor": true}
    }
  }
  rule created {
    select when wrangler new_child_created where event:attrs{"sensor"}
    pre { name = event:attrs{"name"} eci = event:attrs{"eci"} }
    event:send({"eci": eci, "eid": "install", "domain": "wrangler", "type": "install_ruleset_request",
      "attrs": {"absoluteURL": meta:rulesetURI, "rid": "sensor_profile", "config": {}}})
    fired { ent:sensors := sensors().put(name, eci) }
  }
  rule ready {
    select when wrangler new_child_created where event:attrs{"sensor"}
    send_directive("created", {"name": event:attrs{"name"}})
  }
  rule remove {
    select when sensor unneeded_sensor name re#(.+)# setting(name)
    pre { eci = sensors(){name} }
    if eci then send_directive("deleting", {"name": name})
    fired {
      raise wrangler event "child_deletion_request" attributes {"eci": eci};
      clear ent:sensors{name}
    }
  }
}
