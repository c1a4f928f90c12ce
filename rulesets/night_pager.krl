ruleset night_pager {
  meta {
    name "Night pager"
    description <<Pages somebody when something breaks, by day. At night it keeps what broke, and tells it in the morning.>>
    shares on_call, kept
    // Nothing says whether it is day but the calendar: there is no state that could be wrong after a restart.
    window day from "0 8 * * *" to "0 22 * * *" in "Europe/London"
  }

  global {
    on_call = function() { {"open": window:open("day"), "until": window:closes("day")} }
    kept = function() { ent:kept.defaultsTo([]) }
  }

  rule page {
    select when monitor broken what re#(.+)# setting(what) where window:open("day")
    send_directive("page", {"what": what})
    fired {
      log info <<paged for #{what}>>
    }
  }

  rule keep {
    select when monitor broken what re#(.+)# setting(what) where not window:open("day")
    always {
      ent:kept := kept().append(what)
      // A guard is all that it takes to keep a log quiet at night, too.
      log info <<#{what} is worth waking up for>> if event:attrs{"urgent"}
    }
  }

  rule tell {
    select when window opened name re#^day$#
    if kept().length() > 0 then
      send_directive("page", {"what": kept().join(", "), "since": "last night"})
    fired {
      clear ent:kept
    }
  }

  rule say_good_night {
    select when window closed name re#^day$#
    send_directive("good_night", {"until": window:opens("day")})
  }

  // A reminder every hour, but none at night: it is tied to the window.
  rule remind {
    select when monitor watched what re#(.+)# setting(what)
    always {
      schedule notification event "look" repeat "0 * * * *"
        with _name = "look" and _window = "day" and what = what
    }
  }

  rule look {
    select when notification look
    send_directive("look", {"at": event:attrs{"what"}})
  }
}
