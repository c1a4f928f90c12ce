ruleset conversions {
  meta { shares numbers, booleans, strings, types, sorts }
  global {
    numbers = function() { ["3".as("Number"), "3.50".as("Number"), " 4 ".as("Number"), "".as("Number"), "1e2".as("Number"), "0x10".as("Number"), true.as("Number"), false.as("Number"), [].as("Number"), {"a": 1}.as("Number"), "-2".as("Number"), "1,5".as("Number")] }
    booleans = function() { ["false".as("Boolean"), "0".as("Boolean"), "x".as("Boolean"), 1.as("Boolean"), [].as("Boolean"), {}.as("Boolean"), null.as("Boolean")] }
    strings = function() { [1.0.as("String"), null.as("String"), true.as("String"), [1].as("String"), {"a": 1}.as("String"), re#a#g.as("String"), 12345678901234567890.as("String"), 0.00001.as("String")] }
    types = function(x) { [x.typeof(), x{"a"}.typeof(), [x].typeof(), (1 == 1).typeof(), <<a>>.typeof(), event:attrs.typeof(), ent:x.typeof(), random:integer(1).typeof()] }
    sorts = function() { [[10, 9, 1].sort(), ["b", "A", "a"].sort(), [10, 9, 1].sort("numeric"), [10, 9, 1].sort("ciremun"), ["b", "a"].sort("reverse"), ["10", 9, "x"].sort("numeric")] }
  }
}
