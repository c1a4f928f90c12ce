ruleset http_calls {
  meta { shares search }
  global {
    base = "https://api.example"
    search = function(q) {
      resp = http:get(base + "/search", {"q": q, "n": 2}, {"accept": "application/json"}, parseJSON = true);
      resp{"status_code"} == 200 => resp{["content", "query"]} | "failed"
    }
  }
  rule form {
    select when http form
    http:post(base + "/form", form = {"a": "1 2", "b": "x&y"}) setting(r)
    fired { raise http event "answered" attributes {"r": r{"content"}.decode()} }
  }
  rule json {
    select when http json
    http:put(base + "/json", json = event:attrs, headers = {"x-a": "1"}) setting(r)
    fired { raise http event "answered" attributes {"r": r{"content"}.decode()} }
  }
  rule auth {
    select when http auth
    http:get(base + "/auth", auth = {"username": "al", "password": "pw"}) setting(r)
    fired { raise http event "answered" attributes {"r": r{"content"}.decode()} }
  }
  rule in_url {
    select when http in_url
    http:post("https://al:p%40w@api.example/url", body = "text") setting(r)
    fired { raise http event "answered" attributes {"r": r{"content"}.decode()} }
  }
  rule gone {
    select when http gone
    pre { r = http:get(base + "/status/404") }
    if r{"status_code"} == 200 then noop()
    notfired { raise http event "answered" attributes {"r": r{"status_code"}, "type": r{"content_type"}} }
  }
  rule autoraise {
    select when http auto
    http:get(base + "/auto", autoraise = "label")
  }
  rule got {
    select when http get label re#label#
    send_directive("got", {"status": event:attrs{"status_code"}, "label": event:attrs{"label"}})
  }
  rule others {
    select when http others
    every {
      http:patch(base + "/p", json = {"a": [1, null]}) setting(a)
      http:delete(base + "/d") setting(b)
      http:head(base + "/h") setting(c)
      send_directive("methods", {"all": [a, b, c].map(function(x) { x{"content"}.decode(){"method"} })})
    }
  }
  rule answered { select when http answered send_directive("answered", event:attrs) }
}
