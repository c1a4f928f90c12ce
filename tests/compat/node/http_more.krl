ruleset http_more {
  meta { shares fields, missing }
  global {
    fields = function() { http:get("http://api.example/x", qs = {"list": ["a", "b"], "m": {"k": "v"}, "t": true, "n": null}){"content"}.decode() }
    missing = function() { http:get("http://api.example/status/500").filter(function(v, k) { k != "content" && k != "content_length" }) }
  }
  rule named { select when h named http:post(url = "http://api.example/n", headers = {"content-type": "text/csv"}, body = "a,b") setting(r) fired { raise h event "r" attributes r{"content"}.decode() } }
  rule r { select when h r send_directive("r", event:attrs) }
  rule auto { select when h auto http:post("http://api.example/auto", json = {"a": 1}, autoraise = "auto1") }
  rule autoraised { select when http post label re#auto(\d)# setting(n) send_directive("auto", {"n": n, "keys": event:attrs.keys().sort()}) }
  rule body_map { select when h body http:post("http://api.example/b", body = {"a": 1}) setting(r) fired { raise h event "r" attributes r{"content"}.decode() } }
  rule form_list { select when h form http:post("http://api.example/f", form = {"a": ["x", "y"], "b": {"c": "d e"}}) setting(r) fired { raise h event "r" attributes r{"content"}.decode() } }
  rule parse { select when h parse http:get("http://api.example/p", parseJSON = true) setting(r) fired { raise h event "r" attributes {"path": r{["content", "path"]}} } }
}
