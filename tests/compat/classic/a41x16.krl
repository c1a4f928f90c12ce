ruleset a41x16 {
  meta { name "Thermostat" }
  rule setpoint { select when thermostat set to #^(\d+)$# setting(t) noop(); fired { set ent:target t; } }
  rule reading {
    select when thermostat reading
    pre { t = event:attr("t").as("num"); }
    if t < ent:target then send_directive("heat") with by = ent:target - t;
    fired { ent:heating := true; } else { ent:heating := false; }
  }
  rule schedule_check {
    select when thermostat checked_daily
    noop();
    fired { schedule thermostat event "check" repeat "0 9 * * *"; }
  }
  rule check { select when thermostat check send_directive("checked") with heating = ent:heating; }
}
