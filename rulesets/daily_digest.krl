ruleset daily_digest {
  meta {
    name "Daily digest"
    description <<Gathers notes and hands them over once a day, at seven in the morning where you live.>>
    shares notes, next_digest
  }

  global {
    // The name is what makes subscribing safe to repeat: a second `schedule … repeat` of a name that this
    // ruleset already has leaves the first as it is and returns its id.
    NAME = "daily digest"
    SEVEN = "0 7 * * *"

    notes = function() { ent:notes.defaultsTo([]) }

    subscription = function() {
      event:list_scheduled().filter(function(each) { each{"name"} == NAME }).head()
    }

    next_digest = function() {
      found = subscription();
      found.isnull() => null | time:new(found{"next_scheduled"} * 1000)
    }
  }

  rule subscribe {
    select when digest wanted
    pre { zone = event:attrs{"zone"}.defaultsTo("UTC") }
    always {
      // In a zone of its own the digest stays at seven when the clocks there change.
      schedule notification event "digest_due" repeat SEVEN
        attributes {"_name": NAME, "_timezone": zone}
    }
  }

  rule unsubscribe {
    select when digest unwanted
    pre { id = subscription(){"id"} }
    if id then event:remove_scheduled(id)
  }

  rule note {
    select when digest note text re#(\S.*)# setting(text)
    always {
      ent:notes := notes().append(text)
    }
  }

  rule digest {
    select when notification digest_due
    pre { gathered = notes() }
    // A day without notes is not worth a message.
    if gathered.length() > 0 then
      send_directive("digest", {"notes": gathered})
    fired {
      // Emptied in the same commit that settles the fire: a note is in one digest, never in two or none.
      clear ent:notes
    }
  }
}
