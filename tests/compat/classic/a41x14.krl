ruleset a41x14 {
  meta { name "Phone menu" }
  rule a { select when phone pressed digit #1# before phone pressed digit #2# send_directive("one two"); }
  rule b { select when phone pressed digit #(\d)# setting(d) send_directive("digit") with d = d; }
  rule c { select when any 2 (phone hung, phone rang, phone busy) send_directive("two of three"); }
  rule d { select when count 2 (phone rang) send_directive("rang twice"); }
  rule e { select when phone rang not between(phone busy, phone hung) send_directive("free"); }
}
