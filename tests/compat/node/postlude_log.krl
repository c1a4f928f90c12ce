ruleset postlude_log {
  rule r {
    select when log it
    pre { x = event:attrs.klog("attrs") }
    if x{"a"} then every {
      send_directive("one")
      send_directive("two", {"x": x})
    }
    fired { log info "fired"; log debug x; raise log event "after" attributes {"by": "fired"} }
    else { log error "not"; raise log event "after" attributes {"by": "notfired"} }
    finally { raise log event "after" attributes {"by": "finally"} if x{"b"} }
  }
  rule after { select when log after send_directive("after", {"by": event:attr("by")}) }
}
