ruleset bins {
  meta {
    name "Bins"
    description <<
      Which bin to put out, the evening before it is emptied. A council empties each every so many weeks, which no
      calendar tells: it has to be counted from a week that it names.
    >>
    shares evenings
  }

  global {
    zone = "Europe/London"

    // What is counted in weeks goes by the week of its start, Monday to Sunday.
    rounds = {
      "food": "every monday at 18:00",
      "paper": "every 2 weeks on monday at 18:00",
      "glass": "every 4 weeks on monday at 18:00 except --12-25"
    }

    evenings = function(bin) {
      event:find({"name": bin}).map(function(each) { event:next_times(each{"id"}, 4) }).head()
    }
  }

  // The council's letter names a day of the first week.
  rule plan {
    select when bins letter week re#(\d{4}-\d\d-\d\d)# setting(week)
    foreach rounds setting(when, bin)
    always {
      schedule notification event "bin" repeat when
        with bin = bin
          and _name = bin
          and _if_exists = "replace"
          and _timezone = zone
          and _start = week
    }
  }

  // Nobody said when the window cleaner comes: every five weeks from today on.
  rule clean {
    select when windows dirty
    always {
      schedule notification event "windows" repeat "every 5 weeks at 10:00"
        with _name = "windows" and _timezone = zone
    }
  }

  rule put_out {
    select when notification bin
    send_directive("put_out", {"bin": event:attrs{"bin"}})
  }

  rule open_up {
    select when notification windows
    send_directive("open_up")
  }
}
