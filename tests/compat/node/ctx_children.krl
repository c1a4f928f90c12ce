ruleset ctx_children {
  meta { shares count, ask }
  global {
    count = function() { ctx:children.length() }
    ask = function(eci) { ctx:query(eci, "ctx_child", "name") }
  }
  rule make {
    select when child wanted
    pre { name = event:attr("name") }
    every {
      ctx:newPico(rulesets = [{"rid": "ctx_child", "url": meta:rulesetURI.replace(re#ctx_children#, "ctx_child"), "config": {}}]) setting(eci)
      ctx:event(eci, "child", "named", {"name": name})
      send_directive("made", {"eci": eci})
    }
  }
  rule all {
    select when child all
    foreach ctx:children setting(eci)
    send_directive("child", {"name": ctx:query(eci, "ctx_child", "name")})
  }
  rule remove {
    select when child unwanted eci re#(.+)# setting(eci)
    ctx:delPico(eci)
  }
}
