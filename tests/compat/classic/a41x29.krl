ruleset a41x29 {
  meta { name "Facebook" description "uses modules of the classic server" }
  rule a { select when pageview ".*" pre { r = facebook:get("me"); } send_directive("me") with r = r; }
  rule b { select when fb asked pre { x = stocks:last("X"); } send_directive("x") with x = x; }
  rule c { select when fb hi send_directive("hi"); }
}
