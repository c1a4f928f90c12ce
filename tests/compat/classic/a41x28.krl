ruleset a41x28 {
  meta { name "KV" }
  global { app_name = "kv"; }
  rule put { select when kv put key #(\w+)# value #(.*)# setting(k, v) noop(); fired { ent:kv := (ent:kv || {}).put([k], v); } }
  rule get { select when kv get pre { k = event:attr("key"); v = ent:kv.pick("$.#{k}"); } if v then send_directive("value") with v = v; }
  rule app_count { select when kv put noop(); always { app:puts += 1 from 1; } }
  rule tell { select when kv tell send_directive("puts") with n = app:puts and name = app_name; }
  rule old { select when pageview "q" float("absolute", "top: 1px", "left: 1px", "http://x.example"); }
}
