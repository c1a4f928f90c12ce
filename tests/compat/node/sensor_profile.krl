ruleset sensor_profile {
  meta { provides profile shares profile }
  global {
    defaults = {"name": "Sensor", "location": "Lab", "threshold": 75, "to": "+1555"}
    profile = function(key) {
      all = defaults.put(ent:profile.defaultsTo({}));
      key => all{key} | all
    }
  }
  rule update_profile {
    select when sensor profile_updated
    foreach event:attrs setting(value, key)
    pre { known = defaults.keys() >< key }
    if known then send_directive("set", {"key": key, "value": value})
    fired { ent:profile := ent:profile.defaultsTo({}).put(key, value) }
    else { log warn <<unknown key #{key}>> }
    finally { raise sensor event "profile_complete" on final }
  }
  rule complete {
    select when sensor profile_complete
    send_directive("complete", profile())
  }
}
