ruleset module_user {
  meta {
    use module module_config alias english with greeting = "Hello"
    use module module_config alias spanish with greeting = "Hola"
    use module module_config alias plain
    shares all
  }
  global { all = function(n) { [english:greet(n), spanish:greet(n), plain:greet(n), english:constant()] } }
  rule r {
    select when user greets
    every {
      spanish:say(event:attr("n"))
      english:say(event:attr("n"), "!") setting(r)
      send_directive("returned", {"r": r})
    }
  }
}
