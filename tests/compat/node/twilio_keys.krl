ruleset twilio_keys {
  meta {
    key twilio {"account_sid": "AC77", "auth_token": "tok"}
    use module sms_sender alias twilio with account = keys:twilio{"account_sid"} and token = keys:twilio{"auth_token"}
  }
  rule send { select when sms wanted twilio:send("+1", "+2", event:attr("text")) setting(a)
    fired { raise sms event "sent" attributes {"path": a{"path"}} } }
  rule sent { select when sms sent send_directive("sent", event:attrs) }
}
