ruleset guards_final {
  meta { shares log_of }
  global { log_of = function() { ent:log.defaultsTo([]) } }
  rule add {
    select when sum asked
    foreach event:attrs{"items"}.defaultsTo([]) setting(i)
    pre { even = i % 2 == 0 }
    if even then noop()
    fired {
      ent:sum := ent:sum.defaultsTo(0) + i if i > 2;
      ent:log := log_of().append("even " + i)
    } else {
      ent:log := log_of().append("odd " + i);
      raise sum event "odd" attributes {"i": i} if i == 3
    } finally {
      raise sum event "total" attributes {"sum": ent:sum} on final;
      clear ent:sum on final
    }
  }
  rule odd { select when sum odd send_directive("odd", event:attrs) }
  rule total { select when sum total send_directive("total", event:attrs) }
}
