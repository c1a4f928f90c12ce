ruleset event_expressions {
  rule both { select when a x and a y send_directive("both") }
  rule either { select when b x or b y send_directive("either") }
  rule before_it { select when c x before c y send_directive("before") }
  rule then_it { select when d x then d y send_directive("then") }
  rule after_it { select when e y after e x send_directive("after") }
  rule between_it { select when f m between(f s, f e) send_directive("between") }
  rule notbetween { select when g m not between(g s, g e) send_directive("notbetween") }
  rule any2 { select when any 2 (h x, h y, h z) send_directive("any2") }
  rule count3 { select when count 3 (i x) send_directive("count3") }
  rule repeat2 { select when repeat 2 (j x n re#(\d+)#) sum(s) send_directive("repeat2", {"s": s}) }
  rule max { select when repeat 2 (k x n re#(\d+)#) max(m) send_directive("max", {"m": m}) }
  rule push { select when repeat 2 (l x n re#(\d+)#) push(p) send_directive("push", {"p": p}) }
  rule set_it { select when m x a re#^(.)(.)$# setting(p, q) send_directive("setting", {"p": p, "q": q}) }
  rule mixed { select when n x a re#(.+)# setting(p) before n y b re#(.+)# setting(q) send_directive("mixed", {"p": p, "q": q}) }
  rule where_ { select when o x where event:attrs{"n"} > 5 && event:attrs{"m"} send_directive("where") }
  rule two { select when p x a re#1# b re#2# send_directive("two") }
  rule nested { select when (q x or q y) then q z send_directive("nested") }
  rule within_ { select when r x before r y within 1 minute send_directive("within") }
}
