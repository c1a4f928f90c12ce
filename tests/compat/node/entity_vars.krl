ruleset entity_vars {
  meta { shares all, paths }
  global {
    all = function() { {"map": ent:map, "list": ent:list, "n": ent:n, "nothing": ent:nothing} }
    paths = function() { [ent:map{["a", "b"]}, ent:map{"x"}, ent:list[1], ent:list[-1], ent:nothing{"x"}, ent:nothing[0]] }
  }
  rule set_it {
    select when ent set_it
    always {
      ent:map := {"a": {"b": 1}};
      ent:map{["a", "c"]} := [1, 2];
      ent:map{"d"} := null;
      ent:map{["e", "f", "g"]} := "deep";
      ent:list := ["x", "y"];
      ent:n := ent:n + 1
    }
  }
  rule change {
    select when ent change
    always {
      ent:n := 5; ent:n := ent:n + 1;
      clear ent:map{["a", "b"]};
      ent:list := ent:list.append(["z"])
    }
  }
  rule gone { select when ent gone always { clear ent:map; clear ent:list; clear ent:n } }
}
