ruleset event_attrs {
  rule attrs {
    select when ev attrs
    send_directive("attrs", {"all": event:attrs, "a": event:attr("a"), "b": event:attrs{"b"}, "none": event:attr("zzz"),
      "domain": event:domain, "name": event:name, "eci": event:eci == meta:eci, "deep": event:attrs{["b", "c"]}})
  }
  rule patterns {
    select when ev pattern n re#^(\d+)$# setting(n) where n > 5
    send_directive("pattern", {"n": n, "type": n.typeof()})
  }
  rule many {
    select when ev many a re#(.)# b re#(.)(.)# setting(x, y, z)
    send_directive("many", {"x": x, "y": y, "z": z})
  }
  rule null_attr { select when ev nulls a re#null# send_directive("null") }
  rule any_attr { select when ev nulls b re#.*# send_directive("any") }
  rule object_attr { select when ev objects a re#object# send_directive("object") }
  rule list_attr { select when ev objects a re#1,2# send_directive("list") }
}
