ruleset module_names {
  meta {
    use module module_config
    use module trip_store alias trips
    shares f, g
  }
  global {
    f = function() { module_config:greet("a") }
    g = function() { trips:trips() }
  }
}
