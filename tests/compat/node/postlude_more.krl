ruleset postlude_more {
  meta { shares state }
  global { state = function() { {"a": ent:a, "b": ent:b, "m": ent:m} } }
  rule cond { select when p cond if event:attr("go") then noop()
    fired { ent:a := 1 if event:attr("one"); ent:a := 2 if not event:attr("one"); ent:b := ent:a }
    else { ent:a := "else" }
    finally { ent:m{"last"} := event:attr("go") || "none" } }
  rule later { select when p later always { ent:a := 10; ent:b := ent:a + 1; ent:a := ent:b + ent:a } }
  rule nested { select when p nested always { ent:m := {"x": {"y": [1, 2]}}; ent:m{["x", "z"]} := ent:m{["x", "y"]}.append(3); ent:m{["x", "y"]} := ent:m{["x", "y", 0]} } }
  rule pre_reads { select when p reads pre { old = ent:a } send_directive("old", {"old": old}) fired { ent:a := "new"; raise p event "after" attributes {"old": old, "new": ent:a} } }
  rule after { select when p after send_directive("after", event:attrs) }
  rule array_path { select when p array always { ent:b := [1, 2, 3]; ent:b := ent:b.splice(1, 1); ent:m := {"list": ent:b}; ent:m{["list", 1]} := 9 } }
}
