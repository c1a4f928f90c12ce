ruleset family_tree {
  meta { shares who, tree, parent }
  global {
    who = function() { ent:who.defaultsTo("root") }
    parent = function() { ctx:parent.isnull() => "none" | "some" }
    tree = function() { {"who": who(), "children": ctx:children.map(function(eci) { ctx:query(eci, "family_tree", "tree") })} }
  }
  rule grow {
    select when tree grow
    ctx:newPico(rulesets = [{"rid": meta:rid, "url": meta:rulesetURI}]) setting(eci)
    fired { ent:kids := ent:kids.defaultsTo([]).append(eci); raise tree event "grown" attributes {"n": ent:kids.length()} }
  }
  rule grown { select when tree grown send_directive("grown", event:attrs) }
  rule name { select when tree name every { ctx:event(ent:kids[event:attr("i")], "tree", "named", {"who": event:attr("who")}) } }
  rule named { select when tree named always { ent:who := event:attr("who") } }
  rule deep { select when tree deep ctx:event(ent:kids[0], "tree", "grow", {}) }
  rule prune { select when tree prune ctx:delPico(ent:kids[0]) fired { ent:kids := ent:kids.tail() } }
}
