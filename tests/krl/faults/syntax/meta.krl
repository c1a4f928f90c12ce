ruleset faults.meta {
  meta { name "a", shares x }                         ### "found `,`, wanted no comma between properties"

  rule words { select when 5 }                         ### "found `5`, wanted a name, `(`, `then`, `repeat`, `and`, `or` or …"
}
