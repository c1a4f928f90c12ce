ruleset put_testing {
  meta { shares add, __testing }
  global {
    __testing = __testing.put(["events"], __testing{"events"}.append({"domain": "extra", "name": "more", "attrs": ["x"]}))
    add = function(a, b) { a.as("Number") + b.as("Number") }
  }
  rule hi { select when say hi name re#(.+)# setting(name) send_directive("hi", {"name": name}) }
  rule bye { select when say bye pre { who = event:attrs{"who"} why = event:attr("why") } send_directive("bye", {"who": who, "why": why}) }
}
