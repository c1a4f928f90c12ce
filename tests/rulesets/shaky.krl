ruleset shaky {
  meta {
    name "Shaky"
    description <<Counts what a source raises, and fails until a time, after it has counted.>>
    shares done, at
  }

  global {
    done = function() { ent:done.defaultsTo(0) }
    at = function() { ent:at.defaultsTo([]) }
  }

  rule be_broken {
    select when shaky broken
    fired {
      ent:broken := event:attrs{"until"}
    }
  }

  rule count {
    select when table line or metronome tick
    fired {
      ent:done := done() + 1;
      ent:at := at().append(time:now())
    }
  }

  rule work {
    select when table line or metronome tick
    pre { _ = time:now() < ent:broken.defaultsTo("") => "work" - 1 | 0 }
  }
}
