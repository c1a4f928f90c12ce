ruleset a41x21 {
  meta { name "Errors" }
  rule seen { select when system error send_directive("error") with level = event:attr("level") and msg = event:attr("msg") and rid = event:attr("error_rid"); }
  rule page { select when pageview "never" alert("x"); }
}
