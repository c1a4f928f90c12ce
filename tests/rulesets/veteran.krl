ruleset veteran {
  meta {
    shares picture, of_eci, description
  }

  global {
    picture = function() {
      {
        "channels": engine:listChannels(ctx:picoId).map(function(channel) { [channel{"name"}, channel{"type"}] }),
        "rids": engine:listInstalledRIDs(),
        "children": engine:listChildren().length(),
        "parent": engine:getParent(ctx:picoId)
      }
    }
    of_eci = function() {
      [engine:getPicoIDByECI(ent:eci) == ctx:picoId, engine:getPicoIDByECI("nobody")]
    }
    description = function() {
      engine:describeRuleset("io.picolabs.wrangler"){"meta"}{"name"}
    }
  }

  rule open {
    select when channel wanted
    engine:newChannel(ctx:picoId, event:attrs{"name"}, "secret") setting(channel)
    always {
      ent:eci := channel{"id"}
    }
  }

  rule close {
    select when channel unwanted
    every {
      engine:removeChannel(ent:eci) setting(first)
      engine:removeChannel(ent:eci) setting(second)
      send_directive("removed", {"first": first, "second": second})
    }
  }

  rule grow {
    select when child wanted
    every {
      engine:newPico() setting(child)
      engine:newChannel(child{"id"}, "main", "secret") setting(main)
      engine:installRuleset(child{"id"}, rid = "io.picolabs.wrangler") setting(rid)
      send_directive("grown", {
        "rid": rid,
        "knows": engine:getPicoIDByECI(main{"id"}) == child{"id"},
        "admin": engine:getAdminECI(child{"id"}) == child{"admin_eci"}
      })
    }
    always {
      ent:child := child{"id"}
      ent:main := main{"id"}
    }
  }

  rule ask {
    select when child asked
    send_directive("rids", {"rids": ctx:query(ent:main, "io.picolabs.wrangler", "installedRIDs")})
  }

  rule shrink {
    select when child unwanted
    every {
      engine:removePico(ent:child) setting(first)
      engine:removePico(ent:child) setting(second)
      send_directive("removed", {"first": first, "second": second})
    }
  }

  rule change_a_child {
    select when child changed
    engine:installRuleset(ent:child, rid = "io.picolabs.wrangler")
  }

  rule install {
    select when ruleset wanted
    every {
      engine:registerRuleset(event:attrs{"url"}) setting(rid)
      engine:installRuleset(ctx:picoId, rid = [rid]) setting(rids)
      send_directive("installed", {"rids": rids})
    }
  }

  rule uninstall {
    select when ruleset unwanted
    engine:uninstallRuleset(ctx:picoId, ["io.picolabs.wrangler"])
  }

  rule missing {
    select when t missing
    engine:newPolicy({"name": "none"})
  }

  rule missing_too {
    select when t missing_too
    send_directive("signed", {"by": engine:signChannelMessage(ent:eci, "text")})
  }

  rule unregister {
    select when t missing_three
    engine:unregisterRuleset(rid = "x")
  }
}
