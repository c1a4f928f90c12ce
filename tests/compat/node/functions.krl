ruleset functions {
  meta { shares fact, compose, closures, defaults, named, last_value, chevrons, recursion }
  global {
    fact = function(n) { x = n.as("Number"); x <= 1 => 1 | x * fact(x - 1) }
    twice = function(f) { function(x) { f(f(x)) } }
    compose = function() { twice(function(x) { x + 3 })(1) }
    counter = function(n) { {"get": function() { n }, "add": function(m) { n + m }} }
    closures = function() { c = counter(5); [c{"get"}(), c{"add"}(2)] }
    pad = function(a, b = 5, c = a + b) { [a, b, c] }
    defaults = function() { [pad(1), pad(1, 2), pad(1, null), pad()] }
    named = function() { [pad(b = 1, a = 2), pad(1, c = 9)] }
    last_value = function() { a = 1; b = a + 1; b * 2 }
    chevrons = function(n) { <<n is #{n}, #{n == "1" => "one" | <<not #{"1"}>>} and "quoted" \>\> end>> }
    recursion = function() { f = function(n) { n == 0 => [] | f(n - 1).append(n) }; f(4) }
  }
}
