ruleset temperature_store {
  meta {
    name "Temperature store"
    provides temperatures, threshold_violations, inrange_temperatures
    shares temperatures, threshold_violations, inrange_temperatures
  }
  global {
    temperatures = function() { ent:temps.defaultsTo([]) }
    threshold_violations = function() { ent:violations.defaultsTo([]) }
    inrange_temperatures = function() {
      ent:temps.filter(function(t) {
        ent:violations.none(function(v) { v{"timestamp"} == t{"timestamp"} })
      })
    }
  }
  rule collect_temperatures {
    select when wovyn new_temperature_reading
    pre {
      temp = event:attrs{"temperature"}
      timestamp = event:attrs{"timestamp"}
    }
    always {
      ent:temps := ent:temps.defaultsTo([]).append({"temperature": temp, "timestamp": timestamp})
    }
  }
  rule collect_threshold_violations {
    select when wovyn threshold_violation
    always {
      ent:violations := ent:violations.defaultsTo([]).append(event:attrs)
    }
  }
  rule clear_temperatures {
    select when sensor reading_reset
    always { ent:temps := []; ent:violations := [] }
  }
}
