ruleset b5x2 {
  meta { name "Purchases" }
  rule buy {
    select when web click "#buy" on "/shop/(\d+)" setting(item)
    pre {
      n = ent:bought{[item, "n"]} + 1;
      price = (n > 3) => 10 | (n > 2) => 20 | 30;
      text = << You have <b>#{n}</b> of #{item.uc()} >>;
      again = ent:bought.filter(function(k, v) { v > 1 }).keys().sort();
      random = math:random(9);
      url = "http://shop.example?x=" + uri:escape(text);
    }
    if n < 10 && price >= 10 then {
      a => send_directive("bought") with n = n and price = price and text = text;
      b => send_directive("again") with again = again;
    }
    fired {
      ent:total += price from 0;
      ent:bought{[item, "n"]} += 1 from 1;
      set ent:last{"item"} item;
      mark ent:trail with item;
      raise notification event status for "b5x3.dev"
        with application = "shop" and subject = "bought" and priority = 2
          and description = "Somebody bought #{item}";
      log "bought " + item;
    } else {
      error warn "too many";
      last;
    }
  }
  rule back {
    select when web pageview "/shop"
    noop();
  }
}
