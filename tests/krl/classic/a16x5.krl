ruleset a16x5 {
  meta {
    name "Weather"
    use css resource "http://css.example/a.css"
    use javascript resource "http://js.example/a.js"
    sharing on
  }
  global {
    temperature = weather:current_temperature();  // ### "unknown module weather"
    city = location:city();  // ### "unknown module location"
    ip = page:env("ip");  // ### "unknown module page"
    visitor = { "city": city, "ip": ip };  // ### "city has no value here: unknown module location" "ip has no value here: unknown module page"
    greet = function(n) { "Hi " + n + " of " + page:var("town") };  // ### "unknown module page"
  }
  rule hot is active {
    select when pageview ".*" setting()
    pre { msg = "It is #{temperature} in #{city}"; }
    if temperature > 90 && location:state("Utah") then
      float("absolute", "top: 10px", "right: 10px", "/weather.html") with msg = msg;  // ### "the rule hot is inactive: the action float changes a web page"
    callbacks {
      success { click id = "yes" triggers "http://x.example" }
      failure { click class = "no" }
    }
    fired { ent:hot += 1 from 1 }
  }
  rule who { select when web pageview "/who" send_directive("who") with v = visitor{"city"}; }  // ### "the rule who is inactive: visitor has no value here: it needs city: unknown module location"
  rule hi { select when web pageview "/hi" send_directive("hi") with v = greet("ada"); }
  rule agent { select when pageview "/agent" pre { a = useragent:browser_name(); r = referer:host(); } alert("#{a} #{r}"); }  // ### "the rule agent is inactive: the action alert changes a web page"
  rule plain { select when pageview "/plain" send_directive("plain") with ok = true; }
  rule script { select when pageview "/script" pre { n = 4; } emit << alert(n) >>; always { ent:n += n from n } }  // ### "the rule script is inactive: emit changes a web page"
  rule script_too { select when pageview "/script" { emit <| alert(1) |>; noop(); } }  // ### "the rule script_too is inactive: emit changes a web page"
  rule off is inactive { select when pageview "/off" alert("off"); }
  rule tested is test { select when pageview "/off" alert("off"); }  // ### "the rule tested is inactive: the action alert changes a web page"
}
