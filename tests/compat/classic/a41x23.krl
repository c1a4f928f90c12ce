ruleset a41x23 {
  meta { name "Maps" }
  rule m {
    select when m go
    pre {
      m = {"a": {"b": [1, 2, {"c": "deep"}]}, "n": 5};
      c = m.pick("$..c");
      b = m.pick("$.a.b[1]");
      e = {"x": 1}.encode();
      d = '{"y": [2]}'.decode();
    }
    send_directive("m") with c = c and b = b and e = e and y = d.pick("$.y[0]") and keys = m.keys() and put = m.put(["n"], 6).pick("$.n");
  }
  rule gone is inactive { select when m go send_directive("never"); }
  rule old { select when pageview "x" let_it_snow(); }
}
