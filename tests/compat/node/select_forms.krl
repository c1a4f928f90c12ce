ruleset select_forms {
  rule s1 { select when a b where event:attr("x") == "1" send_directive("where") }
  rule s2 { select when a b x re#^(\d)(\d)?$# setting(p, q) send_directive("optional", {"p": p, "q": q}) }
  rule s3 { select when a c x re#(.)# y re#(.)# setting(p, q) send_directive("two settings", {"p": p, "q": q}) }
  rule s4 { select when a d or a e x re#z# send_directive("or") }
  rule s5 { select when a f and (a g or a h) send_directive("and or") }
  rule s6 { select when a i x re#I#i send_directive("flags") }
  rule s7 { select when any 2 (a j, a k, a j2) before a l send_directive("any before") }
  rule s8 { select when count 2 (a m x re#(\d+)#) max(n) send_directive("count max", {"n": n}) }
  rule s9 { select when repeat 3 (a n x re#(\d+)#) avg(n) send_directive("avg", {"n": n}) }
  rule s10 { select when repeat 2 (a o x re#(\d+)#) min(n) send_directive("min", {"n": n}) }
  rule s11 { select when a p not between (a q, a r) send_directive("not between") }
  rule s12 { select when a s then a t x re#1# send_directive("then filter") }
}
