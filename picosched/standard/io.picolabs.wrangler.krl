ruleset io.picolabs.wrangler {
  meta {
    name "Wrangler"
    description <<Children, rulesets and channels of a pico, and questions to other picos.>>
    author "picosched"
    provides picoQuery, skyQuery, channels, createChannel, updateChannel, deleteChannel
    provides rulesetConfig, rulesetMeta, installedRIDs, children, parent_eci, name, id, myself
    shares picoQuery, skyQuery, channels, rulesetConfig, rulesetMeta, installedRIDs
    shares children, parent_eci, name, id, myself
  }

  global {
    standard_rids = [
      "io.picolabs.pico-engine-ui",
      "io.picolabs.wrangler",
      "io.picolabs.subscription"
    ]
    usual_color = "#87CEFA"

    __testing = {
      "queries": [
        {"name": "name", "args": []},
        {"name": "id", "args": []},
        {"name": "myself", "args": []},
        {"name": "parent_eci", "args": []},
        {"name": "children", "args": []},
        {"name": "channels", "args": ["tags"]},
        {"name": "installedRIDs", "args": []},
        {"name": "rulesetConfig", "args": ["rid"]},
        {"name": "rulesetMeta", "args": ["rid"]},
        {"name": "picoQuery", "args": ["eci", "mod", "func", "params"]},
        {
          "name": "skyQuery",
          "args": ["eci", "mod", "func", "params", "_host", "_path", "_root_url"]
        }
      ],
      "events": [
        {"domain": "wrangler", "name": "new_child_request", "attrs": ["name", "backgroundColor"]},
        {"domain": "wrangler", "name": "child_deletion_request", "attrs": ["eci"]},
        {"domain": "wrangler", "name": "name_changed", "attrs": ["name"]},
        {
          "domain": "wrangler",
          "name": "new_channel_request",
          "attrs": ["tags", "eventPolicy", "queryPolicy"]
        },
        {
          "domain": "wrangler",
          "name": "channel_update_request",
          "attrs": ["eci", "tags", "eventPolicy", "queryPolicy"]
        },
        {"domain": "wrangler", "name": "channel_deletion_request", "attrs": ["eci"]},
        {"domain": "wrangler", "name": "install_ruleset_request", "attrs": ["url", "config"]},
        {
          "domain": "wrangler",
          "name": "install_ruleset_request",
          "attrs": ["absoluteURL", "rid", "config"]
        },
        {"domain": "wrangler", "name": "uninstall_ruleset_request", "attrs": ["rid"]},
        {"domain": "wrangler", "name": "rulesets_need_flushing", "attrs": []}
      ]
    }

    // ---- questions to other picos ----

    picoQuery = function(eci, mod, func, params, _host, _path, _root_url) {
      mine = ctx:channels.any(function(each) { each{"id"} == eci })
      elsewhere = _root_url || _host && _host != meta:host
      root = _root_url || _host + (_path || "/sky/cloud/");
      mine => unanswered(400, "a pico cannot query itself", null)
        | elsewhere => from_afar(root + eci + "/" + mod + "/" + func, params)
        | ctx:query(eci, mod, func, params || {})
    }

    skyQuery = function(eci, mod, func, params, _host, _path, _root_url) {
      picoQuery(eci, mod, func, params, _host, _path, _root_url)
    }

    from_afar = function(url, params) {
      response = http:get(url, qs = params || {})
      answer = response{"content"}.decode()
      // An engine of the other make tells an error with the status 200.
      told = answer.typeof() == "Map" => answer{"error"} || answer{"error_str"} | null;
      response{"status_code"} == 200 && not answer.isnull() && not told => answer
        | unanswered(response{"status_code"}, response{"status_line"}, answer)
    }

    unanswered = function(code, line, answer) {
      told = answer.typeof() == "Map" => answer | {};
      {
        "error": "the query was not answered: " + line,
        "httpStatus": {"code": code, "message": line},
        "picoQueryError": told{"error"},
        "picoQueryErrorMsg": told{"error_str"},
        "picoQueryReturnValue": answer
      }
    }

    // ---- rulesets ----

    installed = function(rid) { ctx:rulesets.filter(function(each) { each{"rid"} == rid }).head() }
    installedRIDs = function() { ctx:rulesets.map(function(each) { each{"rid"} }) }
    rulesetConfig = function(rid) { installed(rid){"config"} }
    rulesetMeta = function(rid) { installed(rid){["meta", "krlMeta"]} }

    // What a child is born with: as much of the standard rulesets as this pico has.
    heritage = function() {
      standard_rids.map(installed).filter(function(each) { each }).map(function(each) {
        {"url": each{"url"}, "config": each{"config"}}
      })
    }

    beside = function(url, rid) { url.replace(re#[^/]*$#, rid + ".krl") }

    // ---- channels ----

    as_tags = function(tags) {
      tags.typeof() == "Array" => tags | tags.isnull() => [] | tags.split(",")
    }

    // As the engine keeps them, which is how they are to be found again.
    as_kept = function(tags) {
      as_tags(tags)
        .map(function(tag) { tag.trim().lc().replace(re#[^a-z0-9]#g, "-") })
        .filter(function(tag) { tag != "" })
        .unique()
        .sort()
    }

    channels = function(tags) {
      wanted = as_kept(tags);
      wanted.isEmpty() => ctx:channels
        | ctx:channels.filter(function(each) { each{"tags"}.sort() == wanted })
    }

    createChannel = defaction(tags, eventPolicy, queryPolicy) {
      ctx:newChannel(as_tags(tags), eventPolicy, queryPolicy) setting(channel)
      return channel
    }

    updateChannel = defaction(eci, tags, eventPolicy, queryPolicy) {
      ctx:putChannel(eci, as_tags(tags), eventPolicy, queryPolicy) setting(channel)
      return channel
    }

    deleteChannel = defaction(eci) { ctx:delChannel(eci) }

    // ---- the pico and its family ----

    id = function() { ctx:picoId }
    parent_eci = function() { ctx:parent }
    name = function() { ent:name || (ctx:parent.isnull() => "Pico" | ctx:name || null) }
    own_eci = function() {
      channels(ctx:parent.isnull() => "system,self" | "system,child").head(){"id"}
    }
    myself = function() { {"name": name(), "id": id(), "eci": own_eci()} }

    // A child that is made in this very turn cannot be asked yet: its name is the one it was given.
    child_name = function(eci) {
      ctx:canQuery(eci, ctx:rid) => ctx:query(eci, ctx:rid, "name") | ent:newborn{eci}
    }

    children = function() {
      own_ecis = channels("system,parent").map(function(each) { each{"id"} });
      [ctx:children, own_ecis].pairwise(function(eci, own) {
        {"eci": eci, "name": child_name(eci), "parent_eci": own}
      })
    }
  }

  // ---- rulesets ----

  rule install_beside_another {
    select when wrangler install_ruleset_request
      absoluteURL re#(.+)#
      rid re#(.+)#
      setting(other, rid)
    always {
      raise wrangler event "install_ruleset_request"
        attributes event:attrs.delete("absoluteURL").put("url", beside(other, rid))
    }
  }

  rule install_by_name {
    select when wrangler install_ruleset_request
      rid re#(.+)#
      setting(rid)
      where not (event:attrs{"url"} || event:attrs{"absoluteURL"})
    always {
      raise wrangler event "install_ruleset_request"
        attributes event:attrs.put("url", beside(ctx:rid_url, rid))
    }
  }

  rule install {
    select when wrangler install_ruleset_request url re#(.+)# setting(url)
    ctx:install(url, (event:attrs{"config"} || {}).decode()) setting(rid)
    fired {
      raise wrangler event "ruleset_installed" attributes event:attrs.put("rids", [rid])
    }
  }

  rule uninstall {
    select when wrangler uninstall_ruleset_request rid re#(.+)# setting(rid)
    ctx:uninstall(rid)
    fired {
      raise wrangler event "ruleset_uninstalled" attributes event:attrs
    }
  }

  // Each by an event of its own: one that cannot be read does not keep the others old.
  rule flush_all {
    select when wrangler rulesets_need_flushing
    foreach ctx:rulesets setting(each)
    always {
      raise wrangler event "ruleset_needs_flushing" attributes {"url": each{"url"}} if each{"url"}
      raise wrangler event "rulesets_flushed" on final
    }
  }

  rule flush {
    select when wrangler ruleset_needs_flushing url re#(.+)# setting(url)
    ctx:flush(url)
  }

  // ---- channels ----

  rule create_channel {
    select when wrangler new_channel_request
    pre {
      tags = event:attrs{"tags"}
      events = event:attrs{"eventPolicy"}.decode()
      queries = event:attrs{"queryPolicy"}.decode()
    }
    if tags && events && queries then createChannel(tags, events, queries) setting(channel)
    fired {
      raise wrangler event "channel_created" attributes event:attrs.put("channel", channel)
    }
  }

  rule update_channel {
    select when wrangler channel_update_request eci re#(.+)# setting(eci)
    pre {
      tags = event:attrs{"tags"}
      events = event:attrs{"eventPolicy"}.decode()
      queries = event:attrs{"queryPolicy"}.decode()
    }
    if tags && events && queries then updateChannel(eci, tags, events, queries) setting(channel)
    fired {
      raise wrangler event "channel_updated" attributes event:attrs.put("channel", channel)
    }
  }

  rule delete_channel {
    select when wrangler channel_deletion_request eci re#(.+)# setting(eci)
    deleteChannel(eci)
    fired {
      raise wrangler event "channel_deleted" attributes event:attrs
    }
  }

  // ---- the parent's side of a child's life ----

  // It is born with its rulesets and its door for the user interface; the events tell it who it is.
  rule new_child {
    select when wrangler new_child_request
    pre {
      given = event:attrs{"name"}
      name = given.isnull() || given == "" => null | given.as("String")
    }
    every {
      ctx:newPico(heritage(), name, channels("engine,ui")) setting(eci)
      event:send({"eci": eci, "domain": "engine_ui", "type": "setup"})
      event:send({"eci": eci, "domain": "wrangler", "type": "pico_created", "attrs": event:attrs})
      event:send({
        "eci": eci,
        "domain": "engine_ui",
        "type": "box",
        "attrs": {"name": name, "backgroundColor": event:attrs{"backgroundColor"} || usual_color}
      })
    }
    fired {
      ent:newborn{eci} := name
      raise wrangler event "new_child_created"
        attributes event:attrs.put({"eci": eci, "uiEci": ctx:newPicoChannels(eci).head(){"id"}})
    }
  }

  rule child_speaks {
    select when wrangler child_initialized eci re#(.+)# setting(eci)
    always {
      clear ent:newborn{eci}
    }
  }

  rule delete_child {
    select when wrangler child_deletion_request eci re#(.+)# setting(eci)
    ctx:delPico(eci)
    fired {
      clear ent:newborn{eci}
      raise wrangler event "child_deleted" attributes event:attrs
    }
  }

  // ---- the child's side ----

  rule born {
    select when wrangler pico_created
    always {
      ent:name := event:attrs{"name"}
      raise wrangler event "ruleset_installed" attributes {"rids": installedRIDs()}
      raise wrangler event "pico_initialized" attributes event:attrs.put("eci", own_eci())
    }
  }

  rule tell_the_parent {
    select when wrangler pico_initialized
    if ctx:parent then
      event:send({
        "eci": ctx:parent,
        "domain": "wrangler",
        "type": "child_initialized",
        "attrs": event:attrs
      })
  }

  rule rename {
    select when wrangler name_changed name re#(.+)# setting(name)
    always {
      ent:name := name
    }
  }

  rule ask_to_be_deleted {
    select when wrangler ready_for_deletion
    if ctx:parent then
      event:send({
        "eci": ctx:parent,
        "domain": "wrangler",
        "type": "child_deletion_request",
        "attrs": {"eci": own_eci()}
      })
  }
}
