ruleset state_holder {
  meta { provides value, save, context shares value }
  global {
    value = function(n) { n => [ent:x, n] | ent:x }
    save = defaction(x) {
      send_directive("saving", {"x": x})
      return ent:x
    }
    context = function() { {"rid": meta:rid, "inEvent": meta:inEvent, "inQuery": meta:inQuery, "rule": meta:ruleName} }
  }
  rule seen { select when holder save always { ent:x := event:attr("x"); raise holder event "heard" attributes {"by": meta:rid} } }
}
