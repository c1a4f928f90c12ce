ruleset texting {
  meta {
    provides size
    configure using sid = ""
    shares steal
  }

  global {
    size = function() { sid.length() }
    steal = function() { keys:messenger }
  }
}
