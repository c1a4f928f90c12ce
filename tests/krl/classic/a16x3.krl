ruleset a16x3 {
  meta { name "Night" }
  rule night {
    select when web pageview "/lamp"
    if (nighttime) then send_directive("lamp") with on = true;
  }
  rule day {
    select when web pageview "/lamp"
    if daytime() && not time:nighttime() then
      send_directive("lamp") with on = false;
    fired { last } else { log "it is night" }
  }
  rule zone {
    select when web pageview "/zone" where (url.length() > 3) {
      send_directive("zone") with url = event:attr("url");
      noop();
    }
  }
}
