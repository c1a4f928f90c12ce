ruleset a41x13 {
  meta { name "Loops" }
  global { teas = [{"name": "green", "n": 3}, {"name": "black", "n": 0}]; }
  rule each is active {
    select when tea listed
    foreach teas setting (t)
    pre { name = t.pick("$.name"); n = t.pick("$.n"); }
    if n > 0 then send_directive("tea") with name = name;
  }
  rule map is active {
    select when tea mapped
    foreach {"a": 1} setting (k, v)
    send_directive("pair") with k = k and v = v;
  }
  rule picked is active {
    select when tea picked
    send_directive("picked") with names = teas.pick("$..name") and many = teas.pick("$..n", true).length();
  }
}
