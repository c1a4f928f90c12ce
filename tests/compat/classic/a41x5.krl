ruleset a41x5 {
  meta { name "Weather" author "W" }
  global {
    dataset cities <- "http://data.example/cities.json" cachable for 1 hour;
    datasource forecast <- "http://data.example/forecast?zip=" cachable;
    nearby = cities.pick("$..near");
    warm = function(t) { t > 20 };
  }
  rule local is active {
    select when pageview ".*"
    pre { here = nearby[0]; }
    append("#side", "<p>#{here}</p>");
  }
  rule ask is active {
    select when weather asked
    pre { f = datasource:forecast(event:attr("zip")); }
    send_directive("weather") with f = f;
  }
  rule reading is active {
    select when weather reading
    if warm(event:attr("t")) then send_directive("warm");
  }
}
