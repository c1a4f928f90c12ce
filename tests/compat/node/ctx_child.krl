ruleset ctx_child {
  meta { shares name }
  global { name = function() { ent:name.defaultsTo("nobody") } }
  rule named { select when child named always { ent:name := event:attr("name") } }
}
