ruleset shopping_cart {
  meta { shares cart, total }
  global {
    prices = {"tea": 3.5, "milk": 1.25, "cup": 8}
    cart = function() { ent:cart.defaultsTo({}) }
    total = function() { cart().keys().map(function(k) { prices{k} * cart(){k} }).reduce(function(a, b) { a + b }, 0) }
  }
  rule add {
    select when cart add item re#^(tea|milk|cup)$# n re#^(\d*)$# setting(item, n)
    pre { number = n.as("Number").defaultsTo(1) old = cart(){item}.defaultsTo(0) }
    send_directive("in_cart", {"item": item, "n": old + number})
    fired { ent:cart{item} := old + number }
  }
  rule remove {
    select when cart remove
    pre { item = event:attrs.get("item") }
    if item && cart() >< item then send_directive("removed", {"item": item})
    fired { ent:cart := cart().delete(item) }
  }
  rule pay {
    select when cart pay
    pre { sum = total().sprintf("%s EUR") }
    if total() > 0 then send_directive("paid", {"sum": sum})
    fired { clear ent:cart }
    else { raise cart event "empty" }
  }
  rule empty { select when cart empty send_directive("empty") }
}
