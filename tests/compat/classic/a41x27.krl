ruleset a41x27 {
  meta { name "Choices" }
  rule c {
    select when c go
    if (event:attr("n") eq "1" || event:attr("n") eq "2") then
      choose { one => send_directive("one"); two => send_directive("one"); }
  }
  rule every_one { select when c all every { send_directive("a"); send_directive("b") with x = 1; } }
  rule old { select when pageview "q" popup(1, 2, 3, 4, "http://x.example"); }
}
