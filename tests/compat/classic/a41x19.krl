ruleset a41x19 {
  meta { name "Page and place" }
  rule where_is is active { select when pageview ".*" pre { city = location:city(); } send_directive("city") with city = city; }
  rule which is active { select when pageview ".*" pre { host = page:url("domain"); } send_directive("host") with host = host; }
  rule url_of is active { select when pageview "x.example/(\w*)" setting(p) send_directive("page") with p = p; }
  rule env is active { select when pageview ".*" pre { i = page:env("ip"); } notify("ip", i); }
}
