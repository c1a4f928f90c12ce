ruleset foreach_maps {
  meta { shares totals }
  global {
    stock = {"tea": {"price": 3, "n": 2}, "milk": {"price": 1, "n": 5}, "sugar": {"price": 2, "n": 0}}
    totals = function() { stock.map(function(v, k) { v{"price"} * v{"n"} }) }
  }
  rule each {
    select when stock listed
    foreach stock setting(v, k)
    if v{"n"} > 0 then send_directive("stock", {"name": k, "n": v{"n"}})
    fired { ent:seen := ent:seen.defaultsTo([]).append(k) }
    else { ent:out := ent:out.defaultsTo([]).append(k) }
    finally { raise stock event "done" attributes {"seen": ent:seen, "out": ent:out} on final }
  }
  rule pairs {
    select when stock paired
    foreach [1, 2] setting(a)
      foreach ["x", "y"] setting(b, i)
    send_directive("pair", {"a": a, "b": b, "i": i})
  }
  rule dependent {
    select when stock nested
    foreach {"a": [1, 2], "b": []} setting(list, name)
      foreach list setting(item)
    send_directive("nested", {"name": name, "item": item})
  }
  rule single { select when stock single foreach 5 setting(x) send_directive("single", {"x": x}) }
  rule done { select when stock done send_directive("done", event:attrs) }
}
