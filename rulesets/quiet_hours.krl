ruleset quiet_hours {
  meta {
    name "Quiet hours"
    description <<
      Reminders that keep to the quiet hours of their owner: each pico has its own, and may change them at any
      time. What comes during them waits, and is told in one go when they are over.
    >>
    shares now, hours

    // Its own times and zone, of what the pico was told last; at first from ten to seven, in UTC.
    window quiet
      from ent:from.defaultsTo("daily at 22:00")
      to ent:until.defaultsTo("daily at 7:00")
      in ent:zone
    window awake
      from ent:until.defaultsTo("daily at 7:00")
      to ent:from.defaultsTo("daily at 22:00")
      in ent:zone
  }

  global {
    now = function() { window:open("quiet") => "quiet" | "awake" }
    hours = function() { {"quiet": window:opens("quiet"), "awake": window:closes("quiet")} }
  }

  rule set_hours {
    select when quiet hours
    always {
      ent:from := event:attrs{"from"}
      ent:until := event:attrs{"until"}
      ent:zone := event:attrs{"zone"}
    }
  }

  rule remind {
    select when reminder wanted
    always {
      schedule reminder event "due" repeat event:attrs{"when"}
        with what = event:attrs{"what"} and _window = "awake" and _timezone = ent:zone
    }
  }

  rule due {
    select when reminder due
    send_directive("remember", {"what": event:attrs{"what"}})
  }

  rule message {
    select when message came
    if not window:open("quiet") then send_directive("message", {"text": event:attrs{"text"}})
    notfired {
      ent:kept := ent:kept.defaultsTo([]).append(event:attrs{"text"})
    }
  }

  rule morning {
    select when window closed name re#^quiet$#
    if ent:kept.defaultsTo([]).length() > 0 then send_directive("messages", {"texts": ent:kept})
    fired {
      clear ent:kept
    }
  }
}
