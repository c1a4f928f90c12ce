ruleset aliases {
  meta {
    use module module_config alias app with greeting = "Yo"
    use module module_config alias app2
    shares f
  }
  global { f = function(n) { app:greet(n) + app2:greet(n) } }
  rule r { select when al say app:say(event:attr("n")) }
}
