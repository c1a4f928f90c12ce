ruleset a41x24 {
  meta { name "Login" author "x" authz require user }
  rule login { select when pageview "/login" { noop(); } fired { ent:user := "al"; } }
  rule member { select when pageview "/member" if ent:user then send_directive("member") with user = ent:user; notfired { raise explicit event stranger; } }
  rule stranger { select when explicit stranger redirect("http://x.example/login"); }
  rule strange { select when explicit stranger send_directive("stranger"); }
}
