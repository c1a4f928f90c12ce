ruleset sms_sender {
  meta {
    name "SMS"
    configure using
      account = ""
      token = ""
    provides send, messages
  }
  global {
    base = <<https://#{account}:#{token}@sms.example/2010-04-01/Accounts/#{account}/>>
    messages = function(to) {
      answer = http:get(base + "Messages.json", qs = to => {"To": to} | {});
      answer{"content"}.decode()
    }
    send = defaction(to, from, message) {
      http:post(base + "Messages.json", form = {"From": from, "To": to, "Body": message}) setting(response)
      return response{"content"}.decode()
    }
  }
}
