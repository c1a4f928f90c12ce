ruleset send_to_self {
  meta { shares got }
  global { got = function() { ent:got.defaultsTo([]) } }
  rule begin {
    select when self begin
    event:send({"eci": meta:eci, "domain": "self", "type": "came", "attrs": {"n": 1}})
    fired { ent:got := got().append("begun") }
  }
  rule came { select when self came always { ent:got := got().append(event:attrs{"n"}) } }
  rule unknown { select when self unknown event:send({"eci": "ck0000000000000000000000x", "domain": "a", "type": "b"}) }
  rule raised { select when self raised always { raise event "self:came" attributes {"n": 2}; raise self event "came" attributes {"n": 3} } }
}
