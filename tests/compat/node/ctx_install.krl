ruleset ctx_install {
  meta { shares rids }
  global { rids = function() { ctx:rulesets.map(function(r) { r{"rid"} }).sort() } }
  rule add {
    select when app wanted
    ctx:install(url = meta:rulesetURI.replace(re#ctx_install#, "ctx_child"), config = {"a": 1})
    fired { raise child event "named" attributes {"name": "installed"} }
  }
  rule remove {
    select when app unwanted rid re#(.+)# setting(rid)
    ctx:uninstall(rid)
  }
}
