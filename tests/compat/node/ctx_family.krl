ruleset ctx_family {
  meta { shares child_names, grand }
  global {
    url = function(rid) { meta:rid_url.replace(re#ctx_family#, rid) }
    child_names = function() { ctx:children.map(function(eci) { ctx:query(eci, "ctx_child", "name", {}) }) }
    grand = function() { ctx:children.length() + " of " + ctx:rulesets.length() }
  }
  rule three {
    select when family wanted
    foreach event:attrs{"names"} setting(name)
    every {
      ctx:newPico([{"url": url("ctx_child"), "rid": "ctx_child"}]) setting(eci)
      event:send({"eci": eci, "domain": "child", "type": "named", "attrs": {"name": name}})
    }
    fired { raise family event "made" attributes {"n": ctx:children.length()} on final }
  }
  rule made { select when family made send_directive("made", {"n": event:attr("n")}) }
}
