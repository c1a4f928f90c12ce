ruleset a41x7 {
  meta { name "Trails" }
  rule visit {
    select when pageview "/page/(\w+)" setting(p)
    noop();
    fired { mark ent:pages with p; }
  }
  rule tell {
    select when trail tell
    send_directive("trail") with now = current ent:pages and before = history 1 ent:pages and oldest = history (1 + 1) ent:pages;
  }
  rule order {
    select when trail order
    if seen "a" in ent:pages && seen "b" after "a" in ent:pages then send_directive("order");
  }
  rule forget_it { select when trail forget noop(); fired { forget "b" in ent:pages; } }
}
