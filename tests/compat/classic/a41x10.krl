ruleset a41x10 {
  meta { name "Time of day" }
  rule night { select when light asked if nighttime() then send_directive("on"); }
  rule day { select when light asked if daytime() then send_directive("off"); }
  rule sunday { select when light asked if today_is("Sunday") then send_directive("sunday"); }
  rule weekday { select when light asked if weekday() then send_directive("weekday"); }
}
