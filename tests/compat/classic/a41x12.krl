ruleset a41x12 {
  meta { name "Forms" }
  rule show is active { select when pageview "/form" { replace_inner("#main", "<form></form>"); watch("#f", "submit"); } }
  rule submitted is active {
    select when web submit "#f"
    pre { name = event:param("name"); ok = name.match(#^\w+$#); }
    if ok then send_directive("thanks") with name = name;
    fired { app:names := (app:names || []).append(name); }
    else { raise explicit event bad with name = name; }
  }
  rule bad is active { select when explicit bad send_directive("bad") with name = event:attr("name"); }
  rule clicked is active { select when click "#buy" or change ".n" send_directive("clicked"); }
}
