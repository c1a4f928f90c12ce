ruleset meter_readings {
  meta {
    name "Meter readings"
    description <<
      Every hour a source asks for a reading. A meter that speaks a little late is asked again; if it was silent for
      two hours in a row, the source pauses itself until somebody has repaired the meter.
    >>
    shares readings, state
  }

  global {
    readings = function() { ent:readings.defaultsTo([]) }
    meter = function() { source:list().filter(function(each) { each{"name"} == "meter" }).head() }
    state = function() {
      hourly = meter(){["entries", 0]};
      {
        "paused": meter(){"paused"},
        "due": hourly{"due"},
        "tries": hourly{"tries"},
        "failures": hourly{"failures"},
        "then": hourly{"error"}.extract(re#; (.*)#).head()
      }
    }
  }

  rule begin {
    select when meter installed
    source:add({
      "type": "crontab",
      "name": "meter",
      "to": {"pico": ctx:picoId},
      "retry": 3,
      "on_failure": "pause after 2",
      "entries": [{"name": "hourly", "when": "0 * * * *", "event": "meter:due"}]
    })
  }

  rule hear {
    select when meter said
    fired {
      ent:heard := event:attrs{"kwh"}
    }
  }

  // A text has no difference, so this fails while the meter is silent. Nothing of a failed try stays.
  rule note {
    select when meter due
    pre { kwh = ent:heard.isnull() => "silence" - 1 | ent:heard }
    send_directive("noted", {"at": time:strftime(time:now(), "%H:%M:%S"), "kwh": kwh})
    fired {
      ent:readings := readings().append(kwh)
      clear ent:heard
    }
  }

  rule go_on {
    select when meter repaired
    source:resume("meter")
  }
}
