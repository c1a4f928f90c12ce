ruleset a41x30 {
  meta { name "Scheduled" }
  rule plan {
    select when plan made
    pre { t = time:add(time:now(), {"minutes": 1}); }
    noop();
    fired { schedule notification event remind at t with text = "tea"; }
  }
  rule remind { select when notification remind noop(); fired { ent:text := event:attr("text"); } }
  rule told { select when plan told send_directive("text") with t = ent:text; }
  rule where_list { select when plan where_it where (a) { send_directive("a"); } }
  rule old { select when pageview "q" notify_one("x"); }
}
