ruleset a16x6 {
  meta {
    name "Accounts"
    use module a169x676 alias pds
    use module a41x186 alias SquareTag
  }
  global {
    me = function() { ent:me || {} };
    thirty_minutes = 60 * 30;
  }
  rule login {
    select when pci new_session username re#(.*)# setting(user)
    pre {
      account = pci:session_token(user);  // ### "the rule login is inactive: unknown module pci"
      eci = meta:eci();
      caller = meta:callingRid();
      id = rsm:new_ruleset(eci);
    }
    if pci:check_username(user) then every {
      pci:set_permissions(user, "login", ["a"]);
      send_directive("login") with user = user;
    }
  }
  rule schedule_it {
    select when explicit tick
    always {
      schedule explicit event tock at time:add(time:now(), {"minutes": 5}) with a = 1;
      schedule explicit event "tock" repeat "5 * * * *";
    }
  }
  rule on_error {
    select when system error
    pre { m = event:attr("msg"); g = event:attr("genus"); }
    send_directive("error") with m = m and g = g and rule = event:attr("rule_name");
  }
  rule clean {
    select when explicit clean
    foreach ent:me setting(k, v)
    pre { x = k.as("str"); y = v.uc(); }
    { send_directive(x) with y = y; }
    always { clear ent:me on final; last if x eq "stop"; }
  }
  rule dup { select when explicit dup pre { a = 1; a = a + 1; } send_directive("dup") with a = a; }  // ### "found a second declaration of a, wanted one"
  rule old_name { select when explicit old pre { b = nosuch.pick("$.x"); } send_directive("old") with b = b; }  // ### "the rule old_name is inactive: unknown name nosuch"
  rule old_op { select when explicit old pre { b = "x".query("div"); c = "x".nosuchop(); } noop(); }  // ### "the rule old_op is inactive: unknown operator nosuchop"
}
