ruleset counter {
  meta {
    name "Counter"
    description <<A module; forms.krl uses it under the alias of the classic domain `app`.>>
    provides step, next, tell
  }

  global {
    step = 2
    next = function(n = 1) { n + step }
    tell = defaction(n, word = "is") { send_directive("tell", {word: n}) setting(said) return said{"options"} }
  }
}
