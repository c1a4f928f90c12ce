ruleset todo {
  meta {
    name "Todo list"
    shares items, item, done_count
  }
  global {
    items = function() { ent:items.defaultsTo({}) }
    item = function(id) { ent:items{id} }
    done_count = function() {
      items().values().filter(function(i) { i{"done"} }).length()
    }
  }
  rule initialize {
    select when wrangler ruleset_installed where event:attrs{"rids"} >< meta:rid
    if ent:items.isnull() then noop()
    fired { ent:items := {}; ent:next := 1 }
  }
  rule add {
    select when todo new what re#^(.+)$# setting(what)
    pre { id = "t" + ent:next.defaultsTo(1) }
    send_directive("added", {"id": id, "what": what})
    fired {
      ent:items{id} := {"what": what, "done": false, "at": time:now()};
      ent:next := ent:next.defaultsTo(1) + 1
    }
  }
  rule finish {
    select when todo done
    pre {
      id = event:attrs{"id"}
      exists = ent:items >< id
    }
    if exists then send_directive("finished", {"id": id})
    fired { ent:items{[id, "done"]} := true }
    else { raise todo event "unknown" attributes {"id": id} }
  }
  rule unknown {
    select when todo unknown
    send_directive("error", {"message": <<no item #{event:attrs{"id"}}>>})
  }
  rule remove {
    select when todo removed id re#(t\d+)# setting(id)
    always { clear ent:items{id} }
  }
  rule reset {
    select when todo reset
    always { clear ent:items; clear ent:next }
  }
}
