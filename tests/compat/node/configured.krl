ruleset configured {
  meta { shares config, url }
  global {
    config = function(key) { key => meta:rulesetConfig{key} | meta:rulesetConfig }
    url = function() { meta:rulesetURI }
    limit = meta:rulesetConfig{"limit"}.defaultsTo(10)
  }
  rule r { select when conf used if event:attr("n") > limit then send_directive("over", {"limit": limit}) }
}
