ruleset subscription_peers {
  meta {
    use module io.picolabs.wrangler alias wrangler
    use module io.picolabs.subscription alias subs
    shares peers, inbound
  }
  global {
    peers = function() { subs:established().map(function(s) { [s{"Rx_role"}, s{"Tx_role"}] }) }
    inbound = function() { subs:inbound().length() }
  }
  rule introduce {
    select when peers wanted
    always { raise wrangler event "new_child_request" attributes {"name": "sensor", "backgroundColor": "#fff", "introduce": true} }
  }
  rule subscribe {
    select when wrangler new_child_created where event:attrs{"introduce"}
    event:send({"eci": event:attrs{"eci"}, "domain": "wrangler", "type": "install_ruleset_request",
      "attrs": {"absoluteURL": meta:rulesetURI, "rid": "auto_accept", "config": {}}})
    always { ent:child := event:attrs{"eci"} }
  }
  rule then_subscribe {
    select when peers subscribe
    always {
      raise wrangler event "subscription" attributes {
        "wellKnown_Tx": wrangler:picoQuery(ent:child, "io.picolabs.subscription", "wellKnown_Rx"){"id"},
        "Rx_role": "manager", "Tx_role": "sensor", "name": "sensor-manager", "channel_type": "subscription" }
    }
  }
  rule added { select when wrangler subscription_added send_directive("added", {"role": event:attrs{"Tx_role"}}) }
  rule tell {
    select when peers told
    foreach subs:established("Tx_role", "sensor") setting(s)
    every {
      event:send({"eci": s{"Tx"}, "domain": "child", "type": "named", "attrs": {"name": "told"}})
      send_directive("told", {"role": s{"Tx_role"}})
    }
  }
}
