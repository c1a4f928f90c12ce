ruleset wovyn_base {
  meta {
    name "Wovyn base"
    use module sms_sender alias sms
      with account = meta:rulesetConfig{"sid"} and token = meta:rulesetConfig{"token"}
    shares last
  }
  global {
    temperature_threshold = 78
    last = function() { ent:last }
  }
  rule process_heartbeat {
    select when wovyn heartbeat where event:attrs{"genericThing"}
    pre {
      reading = event:attrs{["genericThing", "data", "temperature"]}[0]
      temp = reading{"temperatureF"}
    }
    send_directive("heartbeat", {"temp": temp})
    fired {
      raise wovyn event "new_temperature_reading" attributes {
        "temperature": temp,
        "timestamp": event:time
      }
    }
  }
  rule find_high_temps {
    select when wovyn new_temperature_reading
    pre { too_high = event:attrs{"temperature"} > temperature_threshold }
    if too_high then send_directive("high", {"over": temperature_threshold})
    fired {
      raise wovyn event "threshold_violation" attributes event:attrs
    } finally {
      ent:last := event:attrs{"temperature"}
    }
  }
  rule threshold_notification {
    select when wovyn threshold_violation
    sms:send("+15550001", "+15550002", <<Too hot: #{event:attrs{"temperature"}}>>) setting(response)
    fired { raise sms event "sent" attributes {"answer": response} }
  }
  rule sent {
    select when sms sent
    send_directive("sent", {"to": event:attrs{"answer"}{"path"}, "auth": event:attrs{"answer"}{"authorization"},
      "body": event:attrs{"answer"}{"body"}})
  }
}
