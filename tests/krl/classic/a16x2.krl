ruleset a16x2 {
  meta {
    name "Calls"
    key twilio {
      "account_sid": "AC00",
      "auth_token": "00"
    }
    key errorstack "0000"
    use module a8x115 version "dev" alias twilio
    use module a16x88 alias log
    errors to a16x88
    provides keys twilio to a8x115
  }
  global {
    greeting = "Hello";
  }
  rule answer {
    select when twilio inbound_call from #^\+1801(\d+)$# setting(number)
    pre { name = number.substr(0, 3); }
    every {
      twilio:say("#{greeting} #{name}");
      twilio:gather_start("choice") with numDigits = 1 and timeout = 5;
      twilio:say("Press one.");
      twilio:gather_stop();
    }
    fired { ent:calls += 1 from 1 }
  }
  rule one_word {
    select when inbound_call from #801# to #(\d+)# setting(to)
    send_directive("call") with to = to;
  }
  rule chosen {
    select when twilio choice
    pre { digits = event:attr("Digits"); }
    if digits eq "1" then {
      twilio:dial("+18015550100");
    }
    notfired { raise explicit event "nobody" for a16x2 with digits = digits; }
  }
  rule nobody {
    select when explicit nobody digits "(\d)" setting(d)
    if nighttime() || weekend() then
      twilio:sms("+18015550100", "Somebody called at night: #{d}");
  }
}
