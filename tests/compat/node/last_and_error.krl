ruleset last_and_error {
  meta { shares said }
  global { said = function() { ent:said.defaultsTo([]) } }
  rule first {
    select when go ahead
    always {
      ent:said := said().append("first");
      last if event:attr("stop") == "1";
      ent:said := said().append("after last")
    }
  }
  rule second {
    select when go ahead
    send_directive("second")
    always { ent:said := said().append("second") }
  }
  rule third {
    select when go wrong
    send_directive("third")
    always {
      error warn "careful";
      ent:said := said().append("warned");
      error error "stop it" if event:attr("hard");
      ent:said := said().append("after error")
    }
  }
  rule fourth { select when go wrong send_directive("fourth") }
  rule told { select when system error send_directive("told", {"data": event:attrs{"data"}, "level": event:attrs{"level"}}) }
}
