ruleset faults.others {
  meta { shares x y }                                 ### "found `y`, wanted `,`, `}`, `name`, `description`, `author`, `use` or …"
  global { f = function(a, b) { a and b } }           ### "found `and`, wanted `&&`"

  rule kept { select when t go ent:x{"a"} := 1 }               ### "found `ent`, wanted it in a postlude such as `fired { … }`"
  rule statements { select when t go fired { ent:x := 1, ent:y := 2 } }  ### "found `,`, wanted no comma between statements"
  rule behind { select when t go fired { if x then last } }    ### "found `if`, wanted a statement, with its `if` behind it"
  rule open { select when t go fired ent:x := 1 }              ### "found `ent`, wanted `{`"
  rule arguments { select when t go noop(1 2) }                ### "found `2`, wanted `,` or `)`"
  rule items { select when t go pre { a = [1 2] } }            ### "found `2`, wanted `,` or `]`"
  rule events { select when t go or noop() }                   ### "found `(`, wanted a name"
  rule raised { select when t go fired { raise t 5 } }         ### "found `5`, wanted `event`"
  rule time { select when t go fired { schedule t event "x" in 5 } }  ### "found `in`, wanted `at`, `repeat`, `attributes`, `with` or `setting`"
  rule otherwise { select when t go if a then noop() else { } }       ### "found `else`, wanted `}`, `fired`, `always`, `notfired`, `with`, `setting` or `;`"
  rule unfinished { select when t go pre { a =
    b = 1 } }                                         ### "found `b`, wanted an expression"
  rule member { select when t go pre { a = 1 * } }             ### "found `}`, wanted an expression"
}
