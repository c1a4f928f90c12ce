ruleset scope_rules {
  meta { shares early, nested, mutual, args }
  global {
    base = 2
    add_base = function(x) { x + base }
    early = function() { add_base(late()) }
    late = function() { 40 }
    nested = function() { f = function(x) { g = function(y) { x * y + base }; g(3) }; f(2) }
    is_even = function(n) { n == 0 => true | is_odd(n - 1) }
    is_odd = function(n) { n == 0 => false | is_even(n - 1) }
    mutual = function() { [is_even(10), is_odd(7), is_even(3)] }
    args = function() { f = function(a, b) { [a, b] }; [f(1), f(1, 2, 3), f(b = 1), f(a = 1, b = 2)] }
  }
  rule pre_scope { select when s go pre { x = base y = x + 1 f = function(z) { z + y } } send_directive("f", {"f": f(1)}) }
}
