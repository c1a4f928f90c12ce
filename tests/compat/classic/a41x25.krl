ruleset a41x25 {
  meta { name "Within" }
  rule often { select when pageview "/a" if ent:n > 3 within 5 minutes then alert("often"); fired { clear ent:n; } else { ent:n += 1 from 1; } }
  rule quick { select when pageview "/a" before pageview "/b" within 2 minutes send_directive("quick"); }
  rule three { select when count 3 (pageview "/a") within 10 minutes send_directive("three"); }
}
