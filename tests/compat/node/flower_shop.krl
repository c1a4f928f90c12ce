ruleset flower_shop {
  meta { shares orders, page }
  global {
    orders = function() { ent:orders.defaultsTo([]) }
    row = function(o, i) { <<<li>#{i + 1}. #{o{"what"}} for #{o{"who"}}</li>
>> }
    page = function(title) {
      <<<h1>#{title || "Orders"}</h1>
<ul>
#{orders().map(row).join("")}</ul>
>>
    }
  }
  rule order {
    select when shop order what re#(.+)# who re#(.+)# setting(what, who)
    pre { id = orders().length() }
    send_directive("ordered", {"id": id})
    fired {
      ent:orders := orders().append({"id": id, "what": what, "who": who, "bids": []});
      raise shop event "order_made" attributes event:attrs.put({"id": id})
    }
  }
  rule bid {
    select when shop bid
    pre { id = event:attr("id").as("Number") price = event:attr("price").as("Number") }
    if orders()[id] then noop()
    fired { ent:orders := orders().map(function(o) { o{"id"} == id => o.put("bids", o{"bids"}.append(price)) | o }) }
  }
  rule choose_bid {
    select when shop choose
    foreach orders().filter(function(o) { o{"bids"}.length() > 0 }) setting(o)
    pre { best = o{"bids"}.sort("numeric").head() }
    send_directive("chosen", {"id": o{"id"}, "price": best})
  }
}
