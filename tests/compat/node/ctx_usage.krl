ruleset ctx_usage {
  meta { shares me, rulesets, channels, tags }
  global {
    me = function() { {"parent": ctx:parent, "children": ctx:children, "rids": ctx:rulesets.map(function(r) { r{"rid"} })} }
    rulesets = function() { ctx:rulesets.map(function(r) { r.keys() }) }
    channels = function() { mine().map(function(c) { c.delete("id").delete("picoId") }) }
    mine = function() { ctx:channels.filter(function(c) { not (c{"tags"} >< "self") }) }
    tags = function() { mine().map(function(c) { c{"tags"} }) }
  }
  rule make {
    select when channel wanted name re#(.+)# setting(name)
    ctx:newChannel(tags = [name, "made"],
      eventPolicy = {"allow": [{"domain": "a", "name": "*"}], "deny": []},
      queryPolicy = {"allow": [{"rid": "*", "name": "*"}], "deny": [{"rid": "ctx_usage", "name": "me"}]}) setting(c)
    fired { ent:made := c{"id"}; raise channel event "made" attributes c.delete("picoId") }
  }
  rule made { select when channel made send_directive("made", event:attrs) }
  rule drop {
    select when channel unwanted
    ctx:delChannel(ent:made)
    fired { clear ent:made }
  }
}
