ruleset module_config {
  meta {
    configure using greeting = "Hi"
    provides greet, say, constant
    shares greet
  }
  global {
    constant = function() { greeting.uc() }
    greet = function(n) { greeting + " " + n }
    say = defaction(n, mark = ".") {
      send_directive("say", {"text": greet(n) + mark})
      return greeting
    }
  }
}
