ruleset b5x3 {
  meta { name "Trail" sharing on provide where_from }
  global { where_from = function() { history 1 ent:trail } }
  rule seen_it {
    select when pageview "/a" or pageview "/b" setting(x)
    if seen "/a" after "/b" in ent:trail then noop();
  }
  rule seen_one {
    select when pageview "/a" before pageview "/b"
    if seen "/a" before "/b" in ent:trail && not seen "/c" in ent:trail within 3 days then
      choose { send_directive("one"); send_directive("two"); }
    always { mark ent:trail with event:param("url"); forget "/d" in ent:trail; clear ent:old }
  }
  rule ordered {
    select when pageview "/a" not between(pageview "/b", pageview "/c") or after(click "x", submit "y")
    send_directive("ordered");
  }
  rule counted {
    select when count 3 (pageview "/a") or (web pageview "/b" and web submit "#f") within 1 hour
    { send_directive("counted"); alert("x") }  // ### "the rule counted is inactive: the action alert changes a web page"
  }
}
