ruleset asker {
  meta {
    shares heard, asked
  }

  global {
    wrangler = "io.picolabs.wrangler"
    heard = function() { ent:heard.defaultsTo([]) }
    asked = function() { ent:asked.defaultsTo(0) }
  }

  rule make {
    select when child wanted
    ctx:newPico(
      [{"url": "picosched://standard/io.picolabs.wrangler.krl"}],
      "Ann",
      [{"tags": ["open"]}, {"tags": ["closed"], "eventPolicy": {"allow": [{"domain": "tea", "name": "*"}]}}]
    ) setting(eci)
    fired {
      ent:child := eci
    }
  }

  // The child has its new name when it is asked.
  rule rename {
    select when child renamed
    ctx:eventQuery(ent:child, "wrangler", "name_changed", {"name": event:attrs{"name"}}, wrangler, "name") setting(name)
    always {
      ent:heard := heard().append(name)
      ent:asked := asked() + 1
    }
  }

  rule two {
    select when child renamed_twice
    every {
      ctx:eventQuery(ent:child, "wrangler", "name_changed", {"name": "Bea"}, wrangler, "name") setting(first)
      ctx:eventQuery(ent:child, "wrangler", "name_changed", {"name": "Cid"}, wrangler, "name") setting(second)
    }
    always {
      ent:heard := heard().append([first + second])
    }
  }

  rule elsewhere {
    select when child asked
    ctx:eventQuery(event:attrs{"eci"} || ent:child, "t", "t", {}, wrangler, event:attrs{"of"})
  }

  rule rename_and_fail {
    select when child lost
    ctx:eventQuery(ent:child, "wrangler", "name_changed", {"name": "Dan"}, wrangler, "name") setting(name)
    always {
      ent:asked := name.as("Nothing")
    }
  }

  rule tell {
    select when child told
    send_directive("name", {"name": ctx:query(ent:child, wrangler, "name")})
  }
}
