ruleset channels_policies {
  meta { shares open, closed, shape }
  global {
    open = function() { "open" }
    closed = function() { "closed" }
    shape = function() { ctx:channels.filter(function(c) { c{"id"} == ent:eci }).map(function(c) { [c{"tags"}, c{"eventPolicy"}, c{"queryPolicy"}] }) }
    policy = {"events": {"allow": [{"domain": "p", "name": "*"}, {"domain": "q", "name": "one"}], "deny": [{"domain": "p", "name": "two"}]},
              "queries": {"allow": [{"rid": "channels_policies", "name": "open"}], "deny": []}}
  }
  rule make { select when ch make ctx:newChannel(["Some Tag", "other"], policy{"events"}, policy{"queries"}) setting(c) fired { ent:eci := c{"id"} } }
  rule send { select when ch send event:send({"eci": ent:eci, "domain": event:attr("d"), "type": event:attr("t"), "attrs": {"n": 1}}) }
  rule seen { select when p one or p two or q one or q two always { ent:seen := ent:seen.defaultsTo([]).append(event:domain + event:name) } }
  rule tell { select when ch tell send_directive("seen", {"seen": ent:seen.defaultsTo([])}) }
  rule change { select when ch change ctx:putChannel(ent:eci, ["two", "changed"], policy{"events"}, {"allow": [{"rid": "*", "name": "*"}], "deny": []}) }
}
