ruleset a16x4 {
  meta { name "Mail" description "Sorts mail" authz require user }
  global {
    from_boss = function(addr) { addr.match(#boss@#i) };
    label = function(x) { email:header(x) };  // ### "unknown module email"
    total = 1;
    total = total + 1;  // ### "found a second declaration of total, wanted one"
  }
  rule received {
    select when mail received from "(.*)@example.com" subj "#(\w+)" setting(who, tag)
    pre { body = event:param("msg").replace(#\s+#g, " "); }
    if from_boss(who) then {
      email:forward() with address = "me@example.com";  // ### "the rule received is inactive: unknown module email"
    }
    fired { ent:mails{tag} := body; set ent:last_mail who; }
    else { clear ent:mails; }
  }
  rule labelled { select when mail labelled send_directive("label") with label = label("x") and total = total; }
  rule sent {
    select when mail sent before mail received within 10 minutes
    send_directive("quick");
    always { ent:quick += 1 from 0; }
  }
  rule repeated {
    select when repeat 3 (mail received subj "(urgent)") within 2 hours
    send_directive("urgent");
  }
  rule frequent {
    select when web pageview ".*"
    if ent:quick > 3 within 5 minutes && not seen "/x" in ent:trail within 1 hour then  // ### "the rule frequent is inactive: a condition with `within` asks when its variable was set, and no variable keeps its time here"
      send_directive("frequent");
    fired { clear ent:quick; forget "/x" in ent:trail; }
  }
}
