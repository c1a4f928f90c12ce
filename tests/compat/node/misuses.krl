ruleset misuses {
  meta { shares a, b, c, d, e, f }
  global {
    a = function() { null(1) }
    b = function() { [1, 2].pairwise(5) }
    c = function() { "x".as("Nope") }
    d = function() { {"a": 1}.sort() }
    e = function() { 1.range("x") }
    f = function() { x = {"f": function(n) { n + 1 }}; x{"f"}(2) }
  }
  rule r1 { select when e one pre { x = "a" - 1 } send_directive("x", {"x": x}) }
  rule r2 { select when e two foreach null setting(x) send_directive("x") }
  rule r3 { select when e two foreach "ab" setting(x, i) send_directive("x", {"x": x, "i": i}) }
  rule r4 { select when e three event:send({"eci": null, "domain": "a", "type": "b"}) }
  rule r5 { select when e four pre { x = http:get(null) } noop() }
  rule r6 { select when e five if {}{"a"} then noop() notfired { raise e event "six" } }
  rule r7 { select when e six send_directive("six", {"fired": "no"}) }
  rule r8 { select when e seven schedule:remove("nosuch") fired { raise e event "six" } }
  rule r9 { select when e eight ctx:delPico("nosuch") }
  rule r10 { select when e nine ctx:delChannel("nosuch") }
  rule r12 { select when e eleven ctx:event("nosuch", "a", "b") }
  rule r13 { select when e twelve ctx:newChannel() setting(c) fired { raise e event "six" } }
  rule r14 { select when e thirteen always { schedule e event "x" at "not a time" } }
  rule r15 { select when e fourteen always { schedule e event "x" repeat "not a spec" } }
}
