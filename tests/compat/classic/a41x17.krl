ruleset a41x17 {
  meta { name "Functions" sharing on }
  global {
    sq = function(x) { x * x };
    sum = function(l) { l.reduce(function(a, b) { a + b }, 0) };
    say = function(n) { (n eq "tea") => "T" | (n eq "milk") => "M" | "?" };
    greet = defaction(who, style) {
      configure using mark = "!" and end = ".";
      send_directive("greet") with text = "#{who}#{mark}#{end}" and style = style;
    };
  }
  rule f { select when f go send_directive("f") with sq = sq(4) and sum = sum([1, 2, 3].map(function(x) { sq(x) })) and say = [say("tea"), say("x")]; }
  rule g { select when f greet greet("Al", 1) with mark = "?"; }
}
