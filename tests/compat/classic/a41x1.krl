ruleset a41x1 {
  meta { name "Greeting" author "Ann" logging on }
  dispatch { domain "cafe.example" }
  global { }
  rule greet is active {
    select when pageview ".*" setting ()
    notify("Welcome", "Have a tea") with sticky = true;
  }
  rule counted is active {
    select when pageview ".*"
    noop();
    always { ent:visits += 1 from 1; }
  }
  rule fifth is active {
    select when pageview ".*"
    if ent:visits > 1 then send_directive("again") with n = ent:visits;
  }
}
