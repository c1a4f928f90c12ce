ruleset b5x1 {
  meta {
    name "Search annotations"
    description <<
      Marks "known" places in search results. It's <b>classic</b>.
    >>
    author ""
    key maps "ABC"
    use module b16x19 version "prod" alias places_module
    logging off
  }
  global {
    datasource places:JSON <- "http://places.example/search?";
    dataset members:XML <- "http://places.example/members.xml" cachable;
    selector = function(obj) {
      name = obj.pick("$..name");
      name.match(re/^A/i) => "<img src='a.png'/>" | false;
    };
    regex = re/\bfoo\b/gi;
    list = ["a", 'b', "c"];
    table = {"a": 1, "b": {"c": [1, 2, 3]}};
    deep = table.pick("$.b.c[1]");
    sum = list.length() + deep;
  }
  rule annotate is active {
    select using "^http://search.example/search|^http://www.search.example" setting()
    annotate_search_results(selector) with remote = "http://places.example/all?jsoncallback=?"  // ### "the rule annotate is inactive: the action annotate_search_results changes a web page"
      and placement = "append";
  }
  rule percolate is active {
    select when web pageview "search"
    percolate(selector);  // ### "the rule percolate is inactive: the action percolate changes a web page"
  }
  rule twice is active {
    select when web pageview "first" setting(a)
    noop();
  }
  rule twice is active {  // ### "found a second rule named twice, the first is on line 34"
    select when web pageview "second" setting(a)
    send_directive("second") with sum = sum;
  }
  rule odd is active {
    select when web pageview re#^(?<year>\d{4})(?>x)$# setting(y)  // ### "the rule odd is inactive: re#^(?<year>\d{4})(?>x)$# is not a RegExp: unknown group (?>x"
    send_directive("odd");
  }
}
