ruleset a41x9 {
  meta {
    name "Prices"
    configure using currency = "USD"
    provide priced
  }
  global {
    table = {"tea": 3, "milk": 1};
    priced = function(what) {
      p = table.pick("$.#{what}");
      (p) => "#{p} #{currency}" | "not sold"
    };
  }
}
