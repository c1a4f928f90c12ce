ruleset night_copy {
  meta {
    name "Night copy"
    description <<
      Thousands of picos copy their photos to one disk at night. H draws a time for each from the id of its schedule, so
      they do not all come at once, and each comes at the same time every night.
    >>
    shares times
  }

  global {
    times = function() { event:list_scheduled().map(function(each) { each{"timespec"} }) }
  }

  rule begin {
    select when photos kept
    foreach ["house", "garden"] setting(album)
    always {
      // At night, 22:00 to 3:59, but not in the nights of work: Friday to Monday.
      schedule notification event "copy" repeat "H 22-3/3 * * FRI-MON"
        with album = album and _name = album
    }
  }

  rule tidy {
    select when photos kept
    always {
      schedule notification event "tidy" repeat "H H(9-16) L-3W * *" with _name = "tidy"
    }
  }

  rule copy {
    select when notification copy
    send_directive("copy", {
      "album": event:attrs{"album"},
      "at": time:strftime(time:now(), "%a %H:%M")
    })
  }

  rule clear_out {
    select when notification tidy
    send_directive("tidy", {"at": time:now()})
  }

  // What comes from outside may be missing.
  rule change {
    select when photos moved
    always {
      schedule notification event "copy" repeat event:attrs{"when"} with _name = "moved"
    }
  }
}
