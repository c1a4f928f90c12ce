ruleset implicit_testing {
  meta { shares one, two }
  global {
    one = function() { 1 }
    two = function(a, b) { [a, b] }
  }
  rule r1 { select when a b or c d noop() }
  rule r2 { select when a e x re#.*# noop() }
}
