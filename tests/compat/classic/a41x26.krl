ruleset a41x26 {
  meta { name "Emit" }
  global { emit << function hello() { alert("x"); } >>; css << .a { color: red } >>; }
  rule e is active { select when pageview ".*" emit << hello(); >>; }
  rule f is active { select when pageview ".*" { emit << hello(); >> noop(); } }
  rule g is active { select when pageview ".*" send_directive("g"); }
  rule h is active { select when pageview ".*" set_element_attr("#a", "href", "b"); }
}
