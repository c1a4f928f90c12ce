ruleset operators_more {
  meta { shares maps, lists, strings, paths, logic }
  global {
    m = {"a": 1, "b": [1, {"c": 2}], "d": {"e": {"f": 3}}}
    maps = function() { [m.put(["d", "e", "g"], 1), m.put(["x", "y"], 1), m.put([], {"q": 1}), m.set(["b", 1, "c"], 5), m.delete(["b", 0]), m.delete("zz"), m.keys(["d"]), m.values(["d"]), m.keys(["zz"]), {"a": {"b": 1}}.put({"a": {"c": 2}}), m >< "b", m.isnull(), {}.keys(), {"b": 1, "a": 2}.keys(), {"b": 1, "a": 2}.values()] }
    lists = function() { l = [1, 2, 3, 4]; [l.slice(2), l.slice(1, 3), l.slice(0, 9), l.splice(1, 2), l.splice(1, 2, [9]), l.splice(9, 1), l.head(), [].tail(), l.index(9), l.join(), [1, [2, 3]].append([[4]]), [].append(null), l.reduce(function(a, b) { a.append(b) }, []), [1, 2].union([2, 3]), [1, 1, 2].difference(1), [3, 3].intersection([3]), ["a", "b"].reverse(), l.filter(function(x) { x % 2 }), [0, "", null, "a"].filter(function(x) { x }), l.map(function(x) { [x, x * x] }), l.any(function(x) { x == 3 }), [].all(function(x) { false }), [1, 2] >< "1", l.put(1, "x"), l.delete(0), l.set(0, "z"), l.get(2), l.get([2]), l{2}] }
    strings = function() { ["abc".substr(-1), "abc".substr(1, -1), "abc".substr(5), "aXbX".split("X"), "Hello World".match(re#world#i), "aaa".replace("a", "b"), "a b c".replace(re#(\w) (\w)#, "$2-$1"), "é".length(), "tea" <=> "milk", "abc".extract(re#(b)#), "abc".extract(re#b#), "a,b;c".split(re#[,;]#), "5" + 5, "TEA".capitalize(), "tea".typeof()] }
    paths = function() { [m{["b", 1, "c"]}, m{["d", "e", "f"]}, m{["d", "zz", "f"]}, m{"b"}[1]{"c"}, m{"b"}[5], m{["b", "1", "c"]}, [[1]][0][0], m["a"], "str"{"a"}, null{"a"}, 5[0]] }
    logic = function() { [1 && 2, 0 && 2, null || "x", "" || [], not "", 1 < "2", "b" > "a", null < 1, [1] == [1], {"a": [1]} == {"a": [1]}, 1 == "1", null == false, true != 1, 3 >< 3, "abc" >< "b", [1, 2] >< 2, {"a": 1} >< "a", 1 => 2 | 3, (null => 1 | 0 => 2 | 3)] }
  }
}
