ruleset front_desk {
  meta {
    name "Front desk"
    description <<
      A front desk in Munich: it opens on weekdays that are no holidays, answers by machine on those that are,
      and pays on the last business day of the month.
    >>
    shares plan
  }

  global {
    zone = "Europe/Berlin"
    events = {
      "open": "weekdays at 8:00 except holidays('DE-BY'), 2026-12-28 to 2026-12-31",
      "closed": "weekdays at 8:00 & holidays('DE-BY')",
      "payday": "last business day of 'DE-BY' of month at 12:00"
    }

    plan = function() {
      event:list_scheduled().map(function(each) {
        {"what": each{"name"}, "next": event:next_times(each{"id"}, 1)[0]}
      })
    }
  }

  rule start {
    select when desk begun
    foreach events setting(when, what)
    always {
      schedule desk event what repeat when
        with _name = what and _if_exists = "replace" and _timezone = zone
    }
  }

  rule tell {
    select when desk open or desk closed or desk payday
    send_directive(event:type, {"on": time:strftime(time:now(), "%A %d %B")})
  }
}
