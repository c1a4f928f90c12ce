ruleset payroll {
  meta {
    name "Payroll"
    description <<Two dates that a month's calendar has in odd places: payday, and the meeting of the accountants.>>
    shares dates
  }

  global {
    zone = "America/New_York"
    events = {
      // The first day of the month that is no Saturday and no Sunday.
      "payroll": "first weekday of month at 9:00",
      "meeting": "2nd thursday of month at 10:30"
    }

    dates = function() {
      event:list_scheduled().map(function(each) {
        {"what": each{"name"}, "next": event:next_times(each{"id"}, 3)}
      })
    }
  }

  rule plan {
    select when payroll begun
    foreach events setting(when, what)
    always {
      // `_if_exists` replaces those of last year's text.
      schedule notification event what repeat when
        with _name = what and _if_exists = "replace" and _timezone = zone
    }
  }

  rule pay {
    select when notification payroll
    send_directive("pay", {"month": time:strftime(time:now(), "%B %Y")})
  }

  rule meet {
    select when notification meeting
    send_directive("meet", {"at": time:now()})
  }
}
