ruleset faults.names {
  meta {
    name "one"
    name "two"                                      ### "a second name in meta"
    shares missing, act                             ### "cannot share missing" "cannot share act"
    use module other alias o
  }
  global {
    early = late + 1                                ### "late is used before it is declared"
    late = 1
    late = 2                                        ### "a second declaration of late"
    f = function(a, a) { a }                        ### "a second parameter named a"
    g = function(a = 1, b) { a + b }                ### "found b without a default after a"
    h = function() { ducks.lenght() + unknwon(1) }  ### "unknown name ducks" "unknown operator lenght; near it: length" "unknown function unknwon"
    i = f(a = 1, 2)                                 ### "an argument without a name after one with a name"
    act = defaction() { noop() }
    l = act()                                       ### "the action act as a function"
    m = send_directive("x")                         ### "the action send_directive as a function"
  }
  rule twice { select when d t }
  rule twice { select when d t }                    ### "a second rule named twice, the first is on line 20"
  rule without { }                                  ### "the rule without without a select"
  rule acts {
    select when d t where colour == "red"
    every {
      f(1)                                          ### "the function f as an action"
      nooop()                                       ### "unknown action nooop; near it: noop"
    }
    fired {
      raise d event bare attributes {"a": colour}   ### "unknown name colour"
      schedule d event bare at tomorrow             ### "unknown name tomorrow"
    }
  }
}
