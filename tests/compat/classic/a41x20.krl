ruleset a41x20 {
  meta { name "Explicit chain" errors to a41x21 }
  rule begin { select when chain begin noop(); always { raise explicit event step_one for a41x20 with n = 1; } }
  rule one { select when explicit step_one send_directive("one") with n = event:attr("n"); always { raise explicit event step_two with n = event:attr("n") + 1; } }
  rule two { select when explicit step_two if event:attr("n") == 2 then send_directive("two"); fired { error warn "it is two"; } }
  rule three { select when explicit step_two noop(); always { raise explicit event done if event:attr("n") == 3; } }
  rule done { select when explicit done send_directive("done"); }
}
