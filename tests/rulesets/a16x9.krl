ruleset a16x9 {
  meta {
    name "A shop's pages"
    logging on
    use module a16x88 alias log
    shares looked
  }

  dispatch { domain "shop.example" -> "a16x9" }

  global {
    dataset prices <- "http://shop.example/prices.json" cachable for 1 hour;
    town = location:city();
    rate = 2;
    rate = rate * 10;
    unit = function() { "old" };
    unit = function() { "new" };
    looked = function() { ent:looked };
    price = function(n) { prices.pick("$.price") + n };
  }

  rule look is active {
    select using "/tea/(\w+)" setting(kind)
    send_directive("look") with kind = kind and rate = rate and unit = unit() and caller = meta:callingRid();
    fired { ent:looked += 1 from 1 }
  }

  rule tell is active {
    select when pageview "/tea/"
    notify("Tea", "You have looked at #{ent:looked} kinds");
    fired { clear ent:looked }
  }

  rule greet is active {
    select when pageview "/tea/green"
    send_directive("greet") with town = town;
  }

  rule priced is active {
    select when pageview "/tea/black"
    send_directive("price") with price = price(1);
  }

  rule logged is active {
    select when pageview "/tea/oolong"
    log:write("oolong");
  }

  rule often is active {
    select when pageview "/tea/"
    if ent:looked > 3 within 5 minutes then send_directive("often");
  }

  rule call {
    select when inbound_call from #^801# to #(\d+)# setting(to)
    if nighttime then send_directive("night") with to = to;
    notfired { raise explicit event "day" for a16x9 with to = to }
  }

  rule day {
    select when explicit day to "(.*)" setting(to) where (to neq "1") {
      send_directive("day") with to = to and night = time:nighttime();
      noop();
    }
  }
}
