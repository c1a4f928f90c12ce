ruleset a16x1 {
  meta {
    name "Book prices"
    description <<
      Adds library prices to the pages of a book shop.
    >>
    author "Ada"
    logging on
  }
  dispatch {
    domain "shop.example" -> "a16x1"
    domain "books.example"
  }
  global {
    dataset libraries <- "http://data.example/libraries.json" cachable for 30 minutes;
    datasource catalogue <- "http://data.example/catalogue?isbn=" cachable for 1 hours;
    css <<
      .price { color: red }
    >>;
    emit <<
      var seen = [];
    >>;
    nearest = libraries.pick("$..nearest");  // ### "libraries has no value here: libraries is a dataset"
    plural = function(n) { n == 1 => "book" | "books" };
  }
  rule price is active {
    select using "shop.example/book/(\d+)" setting(isbn)
    pre {
      found = datasource:catalogue({"isbn": isbn});
      title = found.pick("$..title");
    }
    replace("#price", "<b>#{title}</b>");  // ### "the rule price is inactive: the action replace changes a web page"
    fired {
      ent:looked += 1 from 1;
      mark ent:pages with isbn;
    }
  }
  rule tell is active {
    select when pageview "shop.example/cart" setting()
    notify("Your cart", "#{ent:looked} books") with sticky = true and opacity = 0.9;  // ### "the rule tell is inactive: the action notify changes a web page"
  }
  rule near is active {
    select when web pageview url re#/branch#
    pre { place = nearest + "!"; }
    append("#place", place);  // ### "the rule near is inactive: the action append changes a web page"
  }
  rule count is active {
    select when web pageview url #/count#
    send_directive("count") with n = ent:looked and word = plural(ent:looked);
  }
}
