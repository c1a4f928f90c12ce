ruleset ctx_more {
  meta { shares query_missing, query_self, keys_of_rulesets, channel_shape }
  global {
    query_missing = function() { ctx:query("nosuch", "ctx_more", "query_self") }
    query_self = function() { 1 }
    keys_of_rulesets = function() { ctx:rulesets.map(function(r) { [r{"rid"}, r{"version"}, r{"config"}, r{"url"}.typeof(), r{"meta"}.typeof()] }) }
    channel_shape = function() { ctx:channels.map(function(c) { c.keys().sort() }).head() }
  }
  rule send { select when ctx send ctx:event(eci = meta:eci, domain = "ctx", name = "came", attrs = {"n": 1}) }
  rule came { select when ctx came always { ent:came := event:attrs } }
  rule query { select when ctx query pre { x = ctx:query(meta:eci, "ctx_more", "query_self", {}) } send_directive("x", {"x": x}) }
  rule flush { select when ctx flush ctx:flush(meta:rulesetURI) fired { raise ctx event "flushed" } }
  rule flushed { select when ctx flushed send_directive("flushed") }
}
