ruleset io.picosched.sources {
  meta {
    name "Sources"
    description <<
      The clocks and calendars of the engine, for all its picos: whoever may raise events in the
      root pico, by its family or by the channel made here, may have a source made, paused, resumed
      and removed.
    >>
    author "picosched"
    provides sources, eci
    shares sources, eci
  }

  global {
    tags = ["sources"]

    events = {"allow": [{"domain": "source", "name": "*"}], "deny": []}
    queries = {"allow": [{"rid": ctx:rid, "name": "*"}], "deny": []}

    sources = function() { source:list() }

    // The channel by which other picos reach this ruleset.
    eci = function() { ctx:channels.filter(function(each) { each{"tags"} == tags }).head(){"id"} }

    meant = function() { event:attrs{"id"} || event:attrs{"name"} }

    __testing = {
      "queries": [{"name": "sources", "args": []}, {"name": "eci", "args": []}],
      "events": [
        {"domain": "source", "name": "new", "attrs": ["name", "type", "to", "interval", "entries"]},
        {"domain": "source", "name": "remove", "attrs": ["id"]},
        {"domain": "source", "name": "pause", "attrs": ["id", "until"]},
        {"domain": "source", "name": "resume", "attrs": ["id"]}
      ]
    }
  }

  rule need_channel {
    select when engine started or wrangler ruleset_installed where event:attrs{"rids"} >< ctx:rid
    if eci().isnull() then ctx:newChannel(tags, events, queries)
  }

  // The attributes are the declaration; what came along with an HTTP request is none of it.
  rule add {
    select when source new
    pre { declaration = event:attrs.filter(function(value, key) { not key.match(re#^_#) }) }
    source:add(declaration) setting(id)
    fired {
      raise source event "added" attributes {"id": id, "name": declaration{"name"}}
    }
  }

  rule remove {
    select when source remove
    source:remove(meant()) setting(removed)
    fired {
      raise source event "removed" attributes {"id": meant()} if removed
      error warn <<there is no source #{meant()}>> if not removed
    }
  }

  rule pause {
    select when source pause
    source:pause(meant(), event:attrs{"until"}) setting(paused)
    fired {
      error warn <<there is no source #{meant()}>> if not paused
    }
  }

  rule resume {
    select when source resume
    source:resume(meant()) setting(resumed)
    fired {
      error warn <<there is no source #{meant()} that is paused>> if not resumed
    }
  }
}
