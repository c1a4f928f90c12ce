ruleset random_math {
  meta { shares draws, maths, hash }
  global {
    within = function(x, a, b) { x >= a && x <= b }
    draws = function() {
      {"integer": within(random:integer(10), 0, 10), "ranged": within(random:integer(5, lower = 3), 3, 5),
       "number": within(random:number(), 0, 1), "word": random:word().typeof(), "uuid": random:uuid().typeof(),
       "word_long": random:word().length() > 0}
    }
    maths = function(n) {
      x = n.as("Number");
      [math:base64encode("tea"), math:base64decode("dGVh"), math:hash("sha256", "x"), math:hashFunctions() >< "sha256", -x, x % 4, x.sprintf("%s or %d")]
    }
    hash = function(s) { math:hash("sha1", s) }
  }
  rule roll {
    select when dice rolled
    pre { n = random:integer(lower = 1, upper = 6) }
    if n >= 1 && n <= 6 then send_directive("rolled", {"ok": true})
  }
}
