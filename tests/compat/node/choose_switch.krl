ruleset choose_switch {
  global { pick = function(n) { n == 1 => "one" | n == 2 => "two" | "many" } }
  rule c {
    select when turn left
    choose (pick(event:attr("n").as("Number"))) {
      one => send_directive("one")
      two => send_directive("two")
    }
    fired { raise turn event "done" }
    else { raise turn event "none" }
  }
  rule done { select when turn done send_directive("done") }
  rule none { select when turn none send_directive("none") }
  rule compound {
    select when turn right
    if event:attr("x") && not event:attr("y") || event:attr("z") then send_directive("ok")
    notfired { raise turn event "none" }
  }
}
