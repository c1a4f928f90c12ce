ruleset choir {
  meta {
    name "Choir"
    description <<
      Rehearsals as the choir's calendar exports them: a recurrence rule of iCalendar, with the evenings on which the
      hall is taken, and one more before the concert. The calendar is the only place where anybody edits them.
    >>
    shares rehearsals
  }

  global {
    rehearsals = function(n) {
      event:find({"name": "rehearsal"})
        .map(function(each) { event:next_times(each{"id"}, n.defaultsTo(3)) })
        .head()
        .defaultsTo([])
    }
  }

  // What the calendar says has the zone of the hall in it: TZID.
  rule import {
    select when calendar changed
    always {
      schedule notification event "rehearsal" repeat event:attrs{"rule"}
        with _name = "rehearsal" and _if_exists = "replace"
    }
  }

  rule remind {
    select when notification rehearsal
    pre { left = rehearsals(100).length() }
    send_directive("sing", {"left": left})
  }
}
