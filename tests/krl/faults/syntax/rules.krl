ruleset faults.syntax {
  meta { name = "x" }                                 ### "found `=`, wanted an expression"
  global { a = <<<p>#{b}</p>>> }                      ### "found `}`, wanted an expression; the chevron ended at `>>` on line 3"

  rule two {
    select when t go
    noop()
    send_directive("x")                               ### "found `send_directive`, wanted `every { … }` around several actions"
  }
  rule blocks {
    select when t go
    if a then noop()
    if b then noop()                                  ### "found `if`, wanted a single block of actions"
  }
  rule early {
    select when t go
    raise t event "x"                                 ### "found `raise`, wanted it in a postlude such as `fired { … }`"
  }
  rule later {
    select when t go
    http:get("x")
    ent:x{"a"} := 1                                   ### "found `ent`, wanted it in a postlude such as `fired { … }`"
  }
  rule assigned {
    select when t go
    ent:x := 1                                        ### "found `ent`, wanted it in a postlude such as `fired { … }`"
  }
  rule prelude {
    select when t go
    pre { schedule t event "x" at 5 }                 ### "found `schedule`, wanted it in a postlude such as `fired { … }`"
  }
  rule equals {
    select when t go
    fired { ent:x{"a"} = 1 }                          ### "found `=`, wanted `:=`"
  }
  rule name_equals {
    select when t go where c = 1                      ### "found `=`, wanted `==`"
    noop()
  }
  rule guard { select when t go fired { last if ent:x = 1 } }  ### "found `=`, wanted `==`"
  rule entry { select when t go pre { a = {b = 1} } }          ### "found `=`, wanted `:`"
  rule action {
    select when t go
    fired { http:get("x") }                           ### "found `http`, wanted a statement: actions stand before `fired`"
  }
  rule variable { select when t go fired { x := 1 } }          ### "found `x`, wanted `ent:x`"
  rule cleared { select when t go fired { clear x } }          ### "found `x`, wanted `ent:x`"
  rule declared { select when t go pre { x := 1 } }            ### "found `x`, wanted `x = …`"
  rule commas { select when t go pre { c = 1, d = 1 } }        ### "found `,`, wanted no comma between declarations"
  rule braces {
    select when t go
    if (x == 1) { noop() }                            ### "found `{`, wanted `then`"
  }
  rule many { select when t go if x { noop() noop() } }        ### "found `{`, wanted `then`"
  rule path { select when t go if x{"a"} noop() }              ### "found `noop`, wanted `then`"
}
