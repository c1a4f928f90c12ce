ruleset trip_store {
  meta {
    provides trips, long_trips, short_trips
    shares trips, long_trips, short_trips, __testing
  }
  global {
    __testing = { "queries": [ { "name": "__testing" } ], "events": [ { "domain": "car", "type": "new_trip", "attrs": [ "mileage" ] } ] }
    long_trip = 100
    empty = []
    trips = function() { ent:trips.defaultsTo(empty) }
    long_trips = function() { ent:long.defaultsTo(empty) }
    short_trips = function() { trips().difference(long_trips()) }
  }
  rule process_trip {
    select when car new_trip mileage re#(.*)# setting(mileage)
    send_directive("trip", {"trip_length": mileage})
    fired { raise explicit event "trip_processed" attributes event:attrs.put("timestamp", time:now()) }
  }
  rule collect_trips {
    select when explicit trip_processed
    always { ent:trips := trips().append(event:attrs) }
  }
  rule find_long_trips {
    select when explicit trip_processed
    if event:attr("mileage").as("Number") > long_trip then noop()
    fired { raise explicit event "found_long_trip" attributes event:attrs }
  }
  rule collect_long_trips {
    select when explicit found_long_trip
    always { ent:long := long_trips().append(event:attrs) }
  }
  rule clear_trips {
    select when car trip_reset
    always { ent:trips := empty; ent:long := empty }
  }
}
