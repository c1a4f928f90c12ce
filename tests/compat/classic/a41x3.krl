ruleset a41x3 {
  meta { name "Calls" }
  rule start {
    select when twilio inbound_call
    {
      send_directive("say") with text = "Hello";
      send_directive("gather") with digits = 1;
    }
  }
  rule one {
    select when inbound_call from #^801(\d+)# setting(rest)
    send_directive("local") with rest = rest;
  }
  rule menu {
    select when twilio menu_choice
    pre { digit = event:param("Digits"); }
    choose {
      send_directive("chosen") with digit = digit;
      send_directive("chosen") with digit = digit;
    }
  }
}
