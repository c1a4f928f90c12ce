ruleset a41x22 {
  meta { name "Strings" dialect classic }
  rule s {
    select when s go
    pre {
      n = "tea";
      m = "#{n} and #{1 + 1}";
      long = << <b>#{n}</b> >>;
    }
    send_directive("s") with m = m and long = long.trim() and up = n.uc() and split = "a,b".split(re/,/) and rep = "aab".replace(re/a/g, "b") and sub = "hello".substr(1, 3) and len = n.length();
  }
  rule old { select when pageview "x" move_to_top("#a"); }
}
