ruleset module_state {
  meta { use module state_holder alias holder shares through, where_am_i }
  global {
    through = function() { [holder:value(), holder:value(1)] }
    where_am_i = function() { {"mine": [meta:rid, meta:inQuery], "its": holder:context()} }
  }
  rule save { select when holder save every { holder:save(event:attr("x")) setting(r) send_directive("saved", {"r": r, "now": holder:value()}) } }
  rule context { select when holder context send_directive("context", holder:context()) }
  rule heard { select when holder heard send_directive("heard", event:attrs) }
}
