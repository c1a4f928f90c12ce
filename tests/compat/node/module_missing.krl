ruleset module_missing {
  meta { use module nobody.has.this alias x shares f }
  global { f = function() { x:y() } }
}
