ruleset garden_lights {
  meta {
    name "Garden lights"
    description <<
      Lights that follow the sun of a place in the settings: on shortly before sunset, off at eleven; in the
      morning of a business day from an hour before sunrise until it. Where the sun does not set, they stay off.
    >>
    shares lit, plan
  }

  global {
    lit = function() { ent:lit.defaultsTo(false) }

    // What is switched, and when, at a place that a table [place.NAME] of the settings describes.
    times = function(place) {
      {
        "evening": {"on": <<sunset - 20 minutes at "#{place}">>, "off": "daily at 23:00"},
        "morning": {
          "on": <<sunrise - 1 hour at "#{place}" on business days>>,
          "off": <<sunrise at "#{place}" on business days>>
        }
      }
    }

    plan = function() {
      event:list_scheduled().map(function(each) { each{"name"} + " " + each{"timespec"} })
    }
  }

  rule begin {
    select when lights begun place re#(.+)# setting(place)
    foreach times(place) setting(switched, part)
    foreach switched setting(when, what)
    always {
      schedule lights event what repeat when
        with _name = part + " " + what
          and _if_exists = "replace"
          and _timezone = event:attrs{"zone"}
    }
  }

  rule switch {
    select when lights on or lights off
    pre { on = event:type == "on" }
    if on != lit() then send_directive(event:type, {"at": time:now()})
    fired {
      ent:lit := on
    }
  }
}
