ruleset io.picolabs.subscription {
  meta {
    name "Subscription"
    description <<
      Two picos agree on a pair of channels. What one has agreed on, or is about to, is a map:
      Id of the subscription, Rx the own channel, Tx that of the other, Rx_role and Tx_role,
      Tx_host if the other lives in another engine, wellKnown_Tx while it was only asked.
    >>
    author "picosched"
    use module io.picolabs.wrangler alias wrangler
    provides established, inbound, outbound, wellKnown_Rx, autoAcceptConfig
    shares established, inbound, outbound, wellKnown_Rx, autoAcceptConfig
  }

  global {
    wellKnown_tags = ["wellKnown_Rx", "Tx_Rx"]

    // Whoever knows this channel may ask for a subscription, and take back that he asked.
    wellKnown_events = {
      "allow": [
        {"domain": "wrangler", "name": "subscription"},
        {"domain": "wrangler", "name": "new_subscription_request"},
        {"domain": "wrangler", "name": "inbound_removal"}
      ],
      "deny": []
    }

    wellKnown_queries = {"allow": [{"rid": ctx:rid, "name": "wellKnown_Rx"}], "deny": []}

    __testing = {
      "queries": [
        {"name": "wellKnown_Rx", "args": []},
        {"name": "established", "args": ["key", "value"]},
        {"name": "inbound", "args": ["key", "value"]},
        {"name": "outbound", "args": ["key", "value"]},
        {"name": "autoAcceptConfig", "args": []}
      ],
      "events": [
        {
          "domain": "wrangler",
          "name": "subscription",
          "attrs": [
            "wellKnown_Tx",
            "Rx_role",
            "Tx_role",
            "name",
            "channel_type",
            "Tx_host",
            "Rx_host"
          ]
        },
        {"domain": "wrangler", "name": "pending_subscription_approval", "attrs": ["Id"]},
        {"domain": "wrangler", "name": "inbound_rejection", "attrs": ["Id"]},
        {"domain": "wrangler", "name": "outbound_cancellation", "attrs": ["Id"]},
        {"domain": "wrangler", "name": "subscription_cancellation", "attrs": ["Id"]},
        {
          "domain": "wrangler",
          "name": "send_event_on_subs",
          "attrs": ["subID", "Tx_role", "Rx_role", "domain", "type", "attrs"]
        },
        {
          "domain": "wrangler",
          "name": "autoAcceptConfigUpdate",
          "attrs": ["configName", "password", "regexMap", "delete"]
        },
        {"domain": "wrangler", "name": "cancel_subscriptions", "attrs": []},
        {"domain": "wrangler", "name": "intent_to_delete", "attrs": ["Id"]}
      ]
    }

    // ---- what is agreed on, and what is not yet ----

    established = function(key, value) { those(ent:established, key, value) }
    inbound = function(key, value) { those(ent:inbound, key, value) }
    outbound = function(key, value) { those(ent:outbound, key, value) }
    autoAcceptConfig = function() { ent:autoAcceptConfig.defaultsTo({}) }
    wellKnown_Rx = function() { wrangler:channels(wellKnown_tags).head() }

    those = function(buses, key, value) {
      all = buses.defaultsTo([]);
      key && value => all.filter(function(bus) { bus{key} == value }) | all
    }

    // The one that an event means: by its Id, by a channel, or else by the channel it came through.
    meant = function(buses) {
      key = ["Id", "Rx", "Tx"].filter(function(each) { event:attrs{each} }).head();
      those(buses, key || "Rx", key => event:attrs{key} | meta:eci).head()
    }

    // By Rx, for a pico that subscribes to itself has two of one Id.
    without = function(buses, bus) { buses.filter(function(each) { each{"Rx"} != bus{"Rx"} }) }
    ids = function(buses) { buses.map(function(bus) { bus{"Id"} }) }

    begun = function() {
      {
        "Id": event:attrs{"Id"} || random:uuid(),
        "Rx_role": event:attrs{"Rx_role"},
        "Tx_role": event:attrs{"Tx_role"},
        "Tx_host": event:attrs{"Tx_host"}
      }.filter(function(value) { value })
    }

    // ---- the other side ----

    is_afar = function(host) { host && host != meta:host }

    letter = function(host, eci, type, attrs) {
      {"host": host, "eci": eci, "domain": "wrangler", "type": type, "attrs": attrs}
    }

    // That there is none any more is no reason to keep what belonged to it.
    close = defaction(eci) {
      if ctx:channels.any(function(each) { each{"id"} == eci }) then ctx:delChannel(eci)
    }

    // ---- what is accepted unasked ----

    // A configuration maps attributes of the request to regular expressions; one that matches is enough.
    accepts = function(config) {
      config{"entries"}.defaultsTo({}).any(function(patterns, name) {
        fits(event:attrs{name}, patterns)
      })
    }

    fits = function(value, patterns) {
      not value.isnull()
        && [].append(patterns).any(function(each) { value.match(each.as("RegExp")) })
    }

    given_config = function() {
      event:attrs{"config"}.defaultsTo({
        "configName": event:attrs{"configName"},
        "password": event:attrs{"password"},
        "entries": event:attrs{"regexMap"}.decode()
      })
    }
  }

  // ---- the channel to be asked through ----

  rule need_wellKnown_Rx {
    select when engine started or wrangler ruleset_installed where event:attrs{"rids"} >< ctx:rid
    if wellKnown_Rx().isnull() then noop()
    fired {
      raise wrangler event "need_wellKnown_Rx" attributes event:attrs
    }
  }

  rule create_wellKnown_Rx {
    select when wrangler need_wellKnown_Rx
    if wellKnown_Rx().isnull() then
      ctx:newChannel(wellKnown_tags, wellKnown_events, wellKnown_queries)
    fired {
      raise wrangler event "wellKnown_Rx_created" attributes event:attrs
    }
  }

  // ---- to ask ----

  rule ask {
    select when wrangler subscription
    pre {
      asked = event:attrs{"wellKnown_Tx"}
      names = {
        "channel_name": event:attrs{"name"} || random:word(),
        "channel_type": event:attrs{"channel_type"} || "Tx_Rx"
      }
    }
    if asked then
      ctx:newChannel([names{"channel_name"}, names{"channel_type"}]) setting(channel)
    fired {
      bus = begun().put({"wellKnown_Tx": asked, "Rx": channel{"id"}})
      told = event:attrs.put(bus).put(names)
      ent:outbound := outbound().append(bus)
      raise wrangler event "subscription_request_needed" attributes told
      raise wrangler event "outbound_pending_subscription_added" attributes told
    } else {
      raise wrangler event "wellKnown_Tx_format_failure" attributes event:attrs
    }
  }

  // From here on the attributes are as the other sees them: its Tx is our Rx.
  rule send_request {
    select when wrangler subscription_request_needed
    pre {
      here = is_afar(event:attrs{"Tx_host"}) => meta:host | null
      host = event:attrs{"Rx_host"} || here
      seen = {
        "Rx_role": event:attrs{"Tx_role"},
        "Tx_role": event:attrs{"Rx_role"},
        "Tx": event:attrs{"Rx"},
        "Tx_host": host == "localhost" => null | host
      }
      told = event:attrs.delete("Rx").put(seen)
    }
    always {
      raise subscription event "tell"
        attributes letter(
          event:attrs{"Tx_host"},
          event:attrs{"wellKnown_Tx"},
          "new_subscription_request",
          told
        )
    }
  }

  // ---- to be asked ----

  // Asked a second time it is still one request: what comes from another engine may come twice.
  rule be_asked {
    select when wrangler new_subscription_request
    pre {
      tx = event:attrs{"Tx"}
      known = event:attrs{"Id"} && not inbound("Id", event:attrs{"Id"}).isEmpty()
      named = [event:attrs{"channel_name"}, event:attrs{"channel_type"}]
      tags = named.filter(function(tag) { tag })
    }
    if tx && not known then
      ctx:newChannel(tags) setting(channel)
    fired {
      bus = begun().put({"Tx": tx, "Rx": channel{"id"}})
      ent:inbound := inbound().append(bus)
      raise wrangler event "inbound_pending_subscription_added" attributes event:attrs.put(bus)
    } else {
      raise wrangler event "no_Tx_failure" attributes event:attrs if not tx
    }
  }

  rule accept_unasked {
    select when wrangler inbound_pending_subscription_added
    if autoAcceptConfig().values().any(function(config) { accepts(config) }) then noop()
    fired {
      raise wrangler event "pending_subscription_approval" attributes event:attrs
      raise wrangler event "auto_accepted_subscription_request" attributes event:attrs
    }
  }

  rule configure_acceptance {
    select when wrangler autoAcceptConfigUpdate
    pre {
      config = given_config()
      name = config{"configName"}
      others = autoAcceptConfig().delete(name || "")
    }
    if name then noop()
    fired {
      ent:autoAcceptConfig := event:attrs{"delete"} => others | others.put([name], config)
      raise wrangler event "auto_accept_config_updated" attributes event:attrs
    } else {
      raise wrangler event "autoAcceptConfigUpdate_failure" attributes event:attrs
    }
  }

  // ---- to agree: the one that was asked, then the one that asked ----

  rule approve {
    select when wrangler pending_subscription_approval
    pre {
      bus = meant(inbound())
      told = event:attrs.put({"Id": bus{"Id"}, "Tx": bus{"Rx"}})
    }
    if bus then noop()
    fired {
      raise subscription event "tell"
        attributes letter(bus{"Tx_host"}, bus{"Tx"}, "outbound_pending_subscription_approved", told)
      raise wrangler event "inbound_pending_subscription_approved"
        attributes event:attrs.put({"Id": bus{"Id"}, "bus": bus})
    }
  }

  rule establish_inbound {
    select when wrangler inbound_pending_subscription_approved
    pre { bus = meant(inbound()) }
    if bus then noop()
    fired {
      ent:inbound := inbound().without(bus)
      ent:established := established().append(bus)
      raise wrangler event "subscription_added" attributes event:attrs.put("bus", bus)
    }
  }

  rule establish_outbound {
    select when wrangler outbound_pending_subscription_approved
    pre { asked = meant(outbound()) }
    if asked && event:attrs{"Tx"} then noop()
    fired {
      bus = asked.delete("wellKnown_Tx").put("Tx", event:attrs{"Tx"})
      ent:outbound := outbound().without(bus)
      ent:established := established().append(bus)
      raise wrangler event "subscription_added" attributes event:attrs.put("bus", bus)
    }
  }

  // ---- to part: each side is told, and removes its own ----

  rule cancel_established {
    select when wrangler subscription_cancellation
    pre {
      bus = meant(established())
      told = event:attrs.put({"Id": bus{"Id"}, "Rx": bus{"Tx"}, "Tx": bus{"Rx"}})
    }
    if bus then noop()
    fired {
      raise subscription event "tell"
        attributes letter(bus{"Tx_host"}, bus{"Tx"}, "established_removal", told)
      raise wrangler event "established_removal" attributes event:attrs.put("Id", bus{"Id"})
    }
  }

  rule remove_established {
    select when wrangler established_removal
    pre { bus = meant(established()) }
    if bus then close(bus{"Rx"})
    fired {
      ent:established := established().without(bus)
      raise wrangler event "subscription_removed" attributes event:attrs.put("bus", bus)
    }
  }

  rule reject_inbound {
    select when wrangler inbound_rejection
    pre {
      bus = meant(inbound())
      told = event:attrs.put("Id", bus{"Id"})
    }
    if bus then noop()
    fired {
      raise subscription event "tell"
        attributes letter(bus{"Tx_host"}, bus{"Tx"}, "outbound_removal", told)
      raise wrangler event "inbound_removal" attributes told
    }
  }

  rule remove_inbound {
    select when wrangler inbound_removal
    pre { bus = meant(inbound()) }
    if bus then close(bus{"Rx"})
    fired {
      ent:inbound := inbound().without(bus)
      raise wrangler event "inbound_subscription_cancelled" attributes event:attrs.put("bus", bus)
    }
  }

  rule cancel_outbound {
    select when wrangler outbound_cancellation
    pre {
      bus = meant(outbound())
      told = event:attrs.put({"Id": bus{"Id"}, "Tx": bus{"Rx"}})
    }
    if bus then noop()
    fired {
      raise subscription event "tell"
        attributes letter(bus{"Tx_host"}, bus{"wellKnown_Tx"}, "inbound_removal", told)
      raise wrangler event "outbound_removal" attributes event:attrs.put("Id", bus{"Id"})
    }
  }

  rule remove_outbound {
    select when wrangler outbound_removal
    pre { bus = meant(outbound()) }
    if bus then close(bus{"Rx"})
    fired {
      ent:outbound := outbound().without(bus)
      raise wrangler event "outbound_subscription_cancelled" attributes event:attrs.put("bus", bus)
    }
  }

  rule part_with_established {
    select when wrangler cancel_subscriptions or wrangler rulesets_need_to_cleanup
    foreach established().ids() setting(id)
    always {
      raise wrangler event "subscription_cancellation" attributes event:attrs.put("Id", id)
    }
  }

  rule part_with_inbound {
    select when wrangler cancel_subscriptions or wrangler rulesets_need_to_cleanup
    foreach inbound().ids() setting(id)
    always {
      raise wrangler event "inbound_rejection" attributes event:attrs.put("Id", id)
    }
  }

  rule part_with_outbound {
    select when wrangler cancel_subscriptions or wrangler rulesets_need_to_cleanup
    foreach outbound().ids() setting(id)
    always {
      raise wrangler event "outbound_cancellation" attributes event:attrs.put("Id", id)
    }
  }

  rule part_and_go {
    select when wrangler intent_to_delete Id re#(.+)# setting(id)
    if not established("Id", id).isEmpty() then noop()
    fired {
      raise wrangler event "subscription_cancellation" attributes event:attrs
      raise wrangler event "ready_for_deletion"
    }
  }

  // ---- an event for all that are subscribed ----

  rule find_subscribers {
    select when wrangler send_event_on_subs
    pre {
      by_id = event:attrs{"subID"} => established("Id", event:attrs{"subID"}) | []
      by_tx = event:attrs{"Tx_role"} => established("Tx_role", event:attrs{"Tx_role"}) | []
      by_rx = event:attrs{"Rx_role"} => established("Rx_role", event:attrs{"Rx_role"}) | []
      found = by_id.union(by_tx).union(by_rx)
      domain = event:attrs{"domain"}
      type = event:attrs{"type"}
    }
    if not found.isEmpty() && domain && type then noop()
    fired {
      raise wrangler event "send_event_to_subs" attributes event:attrs.put("subs", found)
    } else {
      raise wrangler event "failed_to_send_event_to_sub"
        attributes event:attrs.put({
          "foundSubsToSendTo": not found.isEmpty(),
          "domainGiven": not domain.isnull(),
          "typeGiven": not type.isnull()
        })
    }
  }

  rule send_to_subscribers {
    select when wrangler send_event_to_subs
    foreach event:attrs{"subs"} setting(bus)
    pre {
      told = letter(
        bus{"Tx_host"},
        bus{"Tx"},
        event:attrs{"type"},
        event:attrs{"attrs"}.decode().defaultsTo({})
      )
    }
    always {
      raise subscription event "tell" attributes told.put("domain", event:attrs{"domain"})
    }
  }

  // ---- letters ----

  rule tell_here {
    select when subscription tell where not is_afar(event:attrs{"host"})
    event:send(event:attrs.delete("host"))
  }

  // In a turn of its own. A turn that asks outside is evaluated once more with the answer, and an id that
  // was made in it would be another one then.
  rule tell_afar {
    select when subscription tell where is_afar(event:attrs{"host"})
    always {
      schedule explicit event "subscription_letter" at time:now() attributes event:attrs
    }
  }

  rule post {
    select when explicit subscription_letter
    pre {
      event = event:attrs{"domain"} + "/" + event:attrs{"type"}
      url = <<#{event:attrs{"host"}}/c/#{event:attrs{"eci"}}/event/#{event}>>
    }
    http:post(url, json = event:attrs{"attrs"}) setting(answer)
    fired {
      code = answer{"status_code"}
      place = url.replace(re#//[^/]*@#, "//")
      error warn <<#{place} was not reached: #{answer{"status_line"}}>> if code != 200
    }
  }
}
