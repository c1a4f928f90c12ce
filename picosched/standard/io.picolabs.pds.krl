ruleset io.picolabs.pds {
  meta {
    name "PDS"
    description <<
      A personal data store: what a pico knows about its owner and about its rulesets, in one place. Items
      have a namespace and a key, the profile has keys, the settings of a ruleset have its rid and a key.
    >>
    author "picosched"
    provides get_item, getItem, get_items, items, get_keys
    provides get_me, get_all_me, profile
    provides get_setting, get_setting_value, settings
    shares get_item, getItem, get_items, items, get_keys
    shares get_me, get_all_me, profile
    shares get_setting, get_setting_value, settings
  }

  global {
    all_items = function() { ent:items.defaultsTo({}) }
    all_settings = function() { ent:settings.defaultsTo({}) }

    // ---- items ----

    items = function(namespace) {
      namespace.isnull() => all_items() | all_items(){namespace}.defaultsTo({})
    }

    get_items = function(namespace) { items(namespace) }
    get_item = function(namespace, key) { all_items(){[namespace, key]} }
    getItem = function(namespace, key) { get_item(namespace, key) }
    get_keys = function(namespace) { items(namespace).keys() }

    // ---- the profile ----

    get_all_me = function() { ent:profile.defaultsTo({}) }
    get_me = function(key) { get_all_me(){key} }
    profile = function(key) { key.isnull() => get_all_me() | get_me(key) }

    // ---- settings ----

    get_setting = function(rid) { all_settings(){rid} }
    get_setting_value = function(rid, key) { all_settings(){[rid, "setData", key]} }

    settings = function(rid, key) {
      rid.isnull() => all_settings()
        | key.isnull() => get_setting(rid)
        | get_setting_value(rid, key)
    }

    // Older rulesets say namespace and keyvalue, newer ones domain and key.
    place_of = function(attrs) {
      [attrs{"namespace"} || attrs{"domain"}, attrs{"keyvalue"} || attrs{"key"}]
    }

    is_place = function(place) { not place[0].isnull() && not place[1].isnull() }
    is_map = function(value) { value.typeof() == "Map" }
  }

  // ---- items ----

  rule keep_item {
    select when pds new_data_available or pds updated_data_available
    pre {
      place = place_of(event:attrs)
      is_new = not (items(place[0]) >< place[1])
      is_told = event:attrs >< "value"
    }
    if is_place(place) && is_told then noop()
    fired {
      ent:items := all_items().put(place, event:attrs{"value"})
      raise pds event "data_added" attributes event:attrs if is_new
      raise pds event "data_updated" attributes event:attrs if not is_new
    } else {
      error warn "found a pds event without namespace, keyvalue or value, wanted all three"
    }
  }

  rule keep_map {
    select when pds new_map_available
    pre {
      namespace = place_of(event:attrs)[0]
      values = event:attrs{"mapvalues"}.decode()
    }
    if namespace && is_map(values) then noop()
    fired {
      ent:items := all_items().put(namespace, items(namespace).put(values))
      raise pds event "data_added" attributes event:attrs
    } else {
      error warn "found pds:new_map_available without a namespace or a map as mapvalues"
    }
  }

  rule forget_item {
    select when pds remove_old_data
    pre { place = place_of(event:attrs) }
    if is_place(place) && items(place[0]) >< place[1] then noop()
    fired {
      ent:items := all_items().delete(place)
      raise pds event "data_deleted" attributes event:attrs
    }
  }

  rule forget_namespace {
    select when pds remove_namespace
    pre { namespace = place_of(event:attrs)[0] }
    if namespace && all_items() >< namespace then noop()
    fired {
      ent:items := all_items().delete(namespace)
      raise pds event "namespace_deleted" attributes event:attrs
    }
  }

  // ---- the profile ----

  rule keep_profile {
    select when pds updated_profile or pds new_profile_item_available
    pre { told = event:attrs.delete("_headers") }
    always {
      ent:profile := get_all_me().put(told)
      raise pds event "profile_updated" attributes told
    }
  }

  // ---- settings ----

  rule keep_settings {
    select when pds new_settings_available setRID re#(.+)# setting(rid)
    pre {
      data = event:attrs{"setData"}.decode()
      kept = {
        "setRID": rid,
        "setName": event:attrs{"setName"},
        "setSchema": event:attrs{"setSchema"}.decode(),
        "setData": is_map(data) => data | {}
      }
    }
    always {
      ent:settings := all_settings().put(rid, kept)
      raise pds event "settings_added" attributes event:attrs
    }
  }

  rule keep_setting {
    select when pds new_settings_attribute setRID re#(.+)# setAttr re#(.+)# setting(rid, key)
    pre {
      before = get_setting(rid).defaultsTo({"setRID": rid, "setData": {}})
      value = event:attrs{"setValue"}
    }
    always {
      ent:settings := all_settings().put(rid, before.put(["setData", key], value))
      raise pds event "settings_updated" attributes event:attrs
    }
  }

  rule forget_settings {
    select when pds remove_settings setRID re#(.+)# setting(rid)
    always {
      ent:settings := all_settings().delete(rid)
      raise pds event "settings_deleted" attributes event:attrs
    }
  }
}
