ruleset defactions {
  meta { provides tell, pick }
  global {
    log_it = defaction(x) { send_directive("log", {"x": x}) }
    tell = defaction(to, text = "hello") {
      msg = <<#{to}: #{text}>>
      if to then every {
        send_directive("tell", {"msg": msg})
        log_it(msg)
      }
      return msg.length()
    }
    pick = defaction(n) {
      choose n { one => send_directive("one") two => send_directive("two") }
    }
  }
  rule r { select when d tells every { tell(event:attr("to")) setting(n) send_directive("n", {"n": n}) tell("Z", text = "hey") } }
  rule p { select when d picks pick(event:attr("n")) }
}
