ruleset sms_tester {
  meta {
    use module sms_sender with account = "AC9" and token = "t9"
    shares seen
  }
  global { seen = function(to) { sms_sender:messages(to) } }
  rule send {
    select when test sms to re#(\+\d+)# setting(to)
    every {
      sms_sender:send(to, "+1555", event:attr("text")) setting(a)
      send_directive("answer", {"content": a})
    }
  }
}
