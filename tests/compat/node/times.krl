ruleset times {
  meta { shares forms, sums, odd }
  global {
    forms = function() {
      [time:now(), time:strftime("2026-03-01T09:05:07.000Z", "%Y/%m/%d %H:%M:%S"), time:new("2026-03-01"),
       time:new("2026-03-01T10:00:00Z"), time:new("132812Z")]
    }
    sums = function() {
      [time:add("2026-01-31T00:00:00Z", {"months": 1}), time:add("2026-03-01", {"days": -1, "hours": 2}),
       time:add("2024-02-29", {"years": 1}), time:add("2026-03-01T00:00:00.500Z", {"minutes": 90})]
    }
    odd = function() { [time:new("not a time"), time:add("x", {"days": 1})] }
  }
  rule at {
    select when time asked
    send_directive("time", {"t": event:time.typeof(), "now": time:now() == time:now()})
  }
}
