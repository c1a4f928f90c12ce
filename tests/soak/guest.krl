ruleset guest {
  meta {
    name "Guest"
    description <<
Is installed and taken off again and again, in the middle of what it has scheduled. Its version changes each time.
    >>
    shares version
  }

  global {
    version = function() { 0 }
  }

  rule stay {
    select when guest stays
    foreach 1.range(5) setting(n)
    always {
      schedule guest event "knocks" at event:time + n * 400 attributes {"n": n}
      schedule guest event "snores" repeat "* * * * * *" with _name = "snoring" on final
    }
  }

  rule heard {
    select when guest knocks or guest snores
    always {
      ent:heard := ent:heard.defaultsTo(0) + 1
    }
  }
}
