ruleset regexes {
  meta { shares all }
  global {
    all = function(s) {
      [s.match(re#tea#i), s.extract(re#(\w)(\w)#), s.replace(re#(\w+) (\w+)#, "$2 $1"), s.replace(re#[aeiou]#g, ""), s.split(re#\s+#), s.extract(re#nosuch(.)#),
       s.match("^g".as("RegExp")), s.replace(re#e#g, function(m) { m.uc() }), "a.b".match(re#a\.b#), "2026-03-01".extract(re#(\d{4})-(\d\d)#), "ab".match(re#(?=a)#), "x/y".split(re#/#), "tab	x".match(re#\t#)]
    }
  }
  rule r { select when rx sent to re#^(\+?\d{3,}|[a-z]+@[a-z.]+)$# setting(to) send_directive("to", {"to": to}) }
}
