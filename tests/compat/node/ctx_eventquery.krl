ruleset ctx_eventquery {
  meta { shares last }
  global { last = function() { ent:last } }
  rule ask {
    select when ask name
    every {
      ctx:newPico(rulesets = [{"rid": "ctx_child", "url": meta:rulesetURI.replace(re#ctx_eventquery#, "ctx_child")}]) setting(eci)
      ctx:eventQuery(eci = eci, domain = "child", name = "named", attrs = {"name": "Di"}, rid = "ctx_child", queryName = "name") setting(answer)
    }
    fired { ent:last := answer }
  }
}
