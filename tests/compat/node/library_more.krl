ruleset library_more {
  meta { shares a, b, c, d, e, f, g, h, i, j, k, l, n, o, p, q }
  global {
    a = function() { time:strftime("2026-03-01T09:05:07.123Z", "%F %T %j %a %A %b %B %y %e %p %I %s") }
    b = function() { [time:add("2026-03-01T00:00:00Z", {"weeks": 1}), time:add("2026-03-01", {"hours": "2"}), time:new("2026-03-01T10:00:00+02:00"), time:new("20260301T101112Z"), time:new("2026-W09-7"), time:new("2026-060")] }
    c = function() { time:now({"tz": "America/Denver"}) }
    d = function() { [random:word().length() > 0, random:integer(0), random:number(1, 1)] }
    e = function() { [math:hash("md5", "a", "base64"), math:base64encode("é"), math:base64decode("4pyT")] }
    f = function() { "[1, {\"a\": null}]".decode() }
    g = function() { {"a": [1, "x", true], "b": {"c": 1.5}}.encode() }
    h = function() { [[3, 1, 2].sort(function(x, y) { x > y => 1 | -1 }), [3, 1, 2].sort(function(x, y) { x < y })] }
    i = function() { [1, 2, 3].map(function(x, i, arr) { [x, i, arr.length()] }) }
    j = function() { {"a": 1}.map(function(v, k, m) { [v, k, m] }) }
    k = function() { [1, 2, 3].reduce(function(a, x, i) { a + x * i }, 0) }
    l = function() { "abc".map(function(x) { x }) }
    n = function() { [null.length(), 5.length(), null.keys(), null.map(function(x) { x }), null.filter(function(x) { true })] }
    o = function() { [5.head(), "x".join(","), null.join(","), null.append(1), 1.append(2), "a".append(["b"])] }
    p = function() { ["abc".replace("b", "$&$&"), "a.b".replace(".", "-"), "abc".split("b"), 5.replace(re#5#, "6"), null.replace(re#n#, "x"), 123.match(re#2#)] }
    q = function(x) { x.isnull() => "null" | x }
  }
}
