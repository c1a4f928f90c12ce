ruleset stop_after {
  meta {
    name "Stop after"
    description <<Two ways to end what repeats after so many times: a rule that counts, and a schedule that does.>>
    shares counted
  }

  global {
    often = "*/10 * * * *"

    counted = function() { ent:counted.defaultsTo(0) }
  }

  // The rule counts, and cancels the schedule by its id. It may change its mind on the way.
  rule begin {
    select when ticks wanted
    pre { most = event:attrs{"most"}.defaultsTo(3) }
    always {
      ent:counted := 0
      ent:most := most
      schedule notification event "tick" repeat often with _name = "ticks" setting(id)
      ent:id := id
    }
  }

  rule tick {
    select when notification tick
    pre { number = counted() + 1 }
    if number >= ent:most then
      event:remove_scheduled(ent:id) setting(_ended)
    always {
      ent:counted := number
      raise ticks event "told" attributes {"number": number, "last": number >= ent:most}
    }
  }

  rule tell {
    select when ticks told
    send_directive("tick", event:attrs)
  }

  // The schedule counts: there is nothing to remember.
  rule begin_shorter {
    select when pips wanted
    always {
      schedule notification event "pip" repeat often
        with _name = "pips" and _count = event:attrs{"most"}.defaultsTo(3)
    }
  }

  rule pip {
    select when notification pip
    send_directive("pip")
  }
}
