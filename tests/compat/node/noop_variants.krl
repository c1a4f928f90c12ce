ruleset noop_variants {
  rule a { select when n a }
  rule b { select when n b noop() }
  rule c { select when n c if false then noop() notfired { raise n event "d" } }
  rule d { select when n d pre { } send_directive("d") }
  rule e { select when n e always { noop = 1 } }
}
