ruleset ctx_eventquery {
  meta { shares last }
  global {
    last = function() { ent:last }
    new_child = defaction() {
      ctx:newPico(rulesets = [{"rid": "ctx_child", "url": meta:rulesetURI.replace(re#ctx_eventquery#, "ctx_child")}]) setting(eci)
      return eci
    }
  }
  rule make {
    select when child wanted
    new_child() setting(eci)
    fired { ent:eci := eci }
  }
  rule ask {
    select when ask name name re#(.+)# setting(name)
    ctx:eventQuery(eci = ent:eci, domain = "child", name = "named", attrs = {"name": name}, rid = "ctx_child", queryName = "name") setting(answer)
    fired { ent:last := answer; raise ask event "answered" attributes {"answer": answer} }
  }
  rule answered { select when ask answered send_directive("answered", event:attrs) }
  rule at_once {
    select when ask at_once
    every {
      new_child() setting(eci)
      ctx:eventQuery(eci, "child", "named", {"name": "Ed"}, "ctx_child", "name") setting(answer)
      send_directive("answered", {"answer": answer})
    }
  }
}
