ruleset attr_types {
  meta { shares echo_args }
  global { echo_args = function(a, b, c) { {"a": a, "b": b, "c": c, "types": [a.typeof(), b.typeof(), c.typeof()]} } }
  rule types { select when t types send_directive("types", event:attrs.map(function(v) { v.typeof() })) }
  rule keys { select when t types send_directive("keys", {"k": event:attrs.keys(), "n": event:attrs.length()}) }
  rule re_num { select when t types n re#^7$# send_directive("matched number") }
  rule re_bool { select when t types b re#true# send_directive("matched boolean") }
  rule put { select when t put send_directive("put", event:attrs.put("z", 1).put({"y": 2})) }
  rule del { select when t put send_directive("del", event:attrs.delete("a").delete(["b", "c"])) }
  rule dflt { select when t put pre { a = event:attr("nope").defaultsTo("d") b = event:attrs{"nope"} || "e" c = event:attrs.get(["b", "c"]) } send_directive("dflt", {"a": a, "b": b, "c": c}) }
}
