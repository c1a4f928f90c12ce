ruleset a41x6 {
  meta { name "Counters" }
  rule up { select when n up noop(); always { ent:n += 1 from 1; } }
  rule down { select when n down noop(); always { ent:n -= 1 from 10; } }
  rule by { select when n by noop(); always { ent:n += 5 from 0; } }
  rule reset { select when n reset noop(); always { clear ent:n; } }
  rule set_flag { select when n flag noop(); always { set ent:flag; } }
  rule tell {
    select when n tell
    if ent:n > 2 then send_directive("n") with n = ent:n;
    fired { last; } else { raise explicit event low with n = ent:n; }
  }
  rule low { select when explicit low send_directive("low") with n = event:attr("n"); }
  rule flagged { select when n flagged if ent:flag then send_directive("flag"); }
}
