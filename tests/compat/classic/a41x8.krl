ruleset a41x8 {
  meta { name "Shop" use module a41x9 alias prices with currency = "EUR" }
  rule price {
    select when shop asked what "^(\w+)$" setting(what)
    send_directive("price") with text = prices:priced(what);
  }
}
