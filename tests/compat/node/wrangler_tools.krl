ruleset wrangler_tools {
  meta {
    use module io.picolabs.wrangler alias wrangler
    shares name, rids, channels, parent
  }
  global {
    name = function() { wrangler:name() }
    rids = function() { wrangler:installedRIDs().filter(function(r) { r.match(re#^wrangler_#) }) }
    channels = function(tag) { wrangler:channels(tag).map(function(c) { c{"tags"} }) }
    parent = function() { wrangler:parent_eci() }
  }
  rule setup {
    select when wrangler ruleset_installed where event:attrs{"rids"} >< meta:rid
    if wrangler:channels("wrangler-tools").length() == 0 then every {
      wrangler:createChannel(["wrangler-tools"], {"allow": [{"domain": "tool", "name": "*"}], "deny": []},
        {"allow": [{"rid": meta:rid, "name": "*"}], "deny": []}) setting(c)
      send_directive("channel", {"made": c{"tags"}})
    }
  }
  rule setup_by_hand {
    select when tools setup
    every {
      wrangler:createChannel(["wrangler-tools"], {"allow": [{"domain": "tool", "name": "*"}], "deny": []},
        {"allow": [{"rid": meta:rid, "name": "*"}], "deny": []}) setting(c)
      send_directive("channel", {"made": c{"tags"}})
    }
  }
}
