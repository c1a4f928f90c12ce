ruleset operators {
  meta { shares strings, lists, maps, types, comparisons, numbers, splits }
  global {
    strings = function() {
      ["tea".uc(), "Tea".lc(), "tea".capitalize(), " x ".trim(), "a,b".split(re#,#), "abc".substr(1), "abc".substr(0, 2), "a-b".replace(re#-#, "+"),
       "abcabc".match(re#b#), "x1y22".extract(re#(\d+)#), "x1y22".extract(re#(\d+)#g), "tea".ord(), 65.chr(), "tea".length(), "abc" like "b", "abc" like re#^B#i,
       "tea".contains("e"), "aa".replace(re#a#g, "b"), "a b".split(" ")]
    }
    lists = function() {
      l = [3, 1, 2];
      [l.sort(), l.sort("reverse"), l.sort("numeric"), l.sort(function(a, b) { b <=> a }), l.head(), l.tail(), l.append(4), l.append([4, 5]), l.join("-"), l.length(),
       l.index(2), l.slice(1), l.slice(1, 2), l.splice(0, 1), l.splice(1, 1, ["x"]), l.reverse(), l.any(function(x) { x > 2 }), l.all(function(x) { x > 0 }),
       l.none(function(x) { x > 5 }), l.notall(function(x) { x > 1 }), l.reduce(function(a, b) { a + b }), l.reduce(function(a, b) { a + b }, 10), [].head(), [].reduce(function(a, b) { a + b }),
       l.intersection([1, 9]), l.union([1, 9]), l.difference([1]), [1, 1, 2].unique(), [["a", 1], ["b", 2]].collect(function(p) { p[0] }), l >< 3, 9 >< l, l[0], l[7],
       [1, 2, 3, 4].pairwise(function(a, b) { a + b }, []), [[1, 2], [3, 4]].pairwise(function(a, b) { a * b }), 1.range(4), l.filter(function(x, i) { i > 0 }), l.map(function(x, i) { x * i }), l.isnull()]
    }
    maps = function() {
      m = {"a": 1, "b": {"c": [1, 2]}};
      [m.keys(), m.values(), m{"a"}, m{["b", "c"]}, m{["b", "c", 1]}, m.get("a"), m.get(["b", "c"]), m.put("d", 4), m.put(["b", "e"], 5), m.put({"z": 1}), m.put(["b"], {"x": 1}),
       m.set(["b", "c"], 0), m.delete("a"), m.delete(["b", "c"]), m.encode(), m.length(), m >< "a", m.map(function(v, k) { k }), m.filter(function(v, k) { k == "a" }), m{"nosuch"}, m{["x", "y"]}, m.encode(2), "{\"a\":[1]}".decode(), "no json".decode(), m.collect(function(x) { "k" })]
    }
    types = function() {
      [1.typeof(), "x".typeof(), null.typeof(), true.typeof(), [].typeof(), {}.typeof(), re#x#.typeof(), function(x) { x }.typeof(), 1.as("String"), "12".as("Number"), "x".as("Number"), "true".as("Boolean"), "".as("Boolean"), 0.as("Boolean"), null.as("Number"), [1, 2].as("String"), {}.as("String"),
       "re#a#".as("RegExp").typeof(), null.isnull(), "".isnull(), null.defaultsTo(1), 0.defaultsTo(1), "a".klog("k")]
    }
    comparisons = function() {
      ["1" == 1, 1 == 1.0, null == null, [1] == [1], {"a": 1} == {"a": 1}, "a" < "b", 2 < 10, "2" < "10", "a" != "b", 1 <=> 2, 2 <=> 1, "a" <=> "b", 2 cmp 10, null || 1, 0 || 2, "" && 3, [] || 4, {} && 5, "0" => 1 | 2, not null, not 0]
    }
    numbers = function() {
      [1 + 2, 1 + "2", "1" + 2, 7 / 2, 7 % 3, -7 % 3, 2 - 3 - 4, 2 * 3 + 4, "a" + null, null + 1, 0.1 + 0.2, 5.sprintf("%d!"), "x".sprintf("<%s>"), 10.range(8), "5" - 2, "5" * "2", [1] + [2], {} + "x", 5 / 0]
    }
    splits = function() { ["a1b2".split(re#\d#), "".split(","), "abc".split(""), "a,b".split(","), null.split(","), 123.split("2")] }
  }
}
