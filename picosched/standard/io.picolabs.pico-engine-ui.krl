ruleset io.picolabs.pico-engine-ui {
  meta {
    name "pico-engine-ui"
    description <<What the browser's pages of the Node engine ask of a pico, and tell it.>>
    author "picosched"
    shares box, pico, uiECI, name, logs, testingECI
  }

  global {
    subscription_rid = "io.picolabs.subscription"
    tags = ["engine", "ui"]

    events_allowed = [
      {"domain": "engine", "name": "started"},
      {"domain": "engine_ui", "name": "setup"},
      {"domain": "engine_ui", "name": "box"},
      {"domain": "engine_ui", "name": "new"},
      {"domain": "engine_ui", "name": "del"},
      {"domain": "engine_ui", "name": "install"},
      {"domain": "engine_ui", "name": "uninstall"},
      {"domain": "engine_ui", "name": "flush"},
      {"domain": "engine_ui", "name": "new_channel"},
      {"domain": "engine_ui", "name": "update_channel"},
      {"domain": "engine_ui", "name": "del_channel"},
      {"domain": "engine_ui", "name": "testing_eci"},
      {"domain": "wrangler", "name": "subscription"},
      {"domain": "wrangler", "name": "pending_subscription_approval"},
      {"domain": "wrangler", "name": "inbound_rejection"},
      {"domain": "wrangler", "name": "outbound_cancellation"},
      {"domain": "wrangler", "name": "subscription_cancellation"},
      {"domain": "wrangler", "name": "send_event_on_subs"}
    ]

    queries_allowed = [
      {"rid": "*", "name": "__testing"},
      {"rid": ctx:rid, "name": "*"},
      {"rid": subscription_rid, "name": "established"},
      {"rid": subscription_rid, "name": "inbound"},
      {"rid": subscription_rid, "name": "outbound"},
      {"rid": subscription_rid, "name": "wellKnown_Rx"}
    ]

    uiECI = function() {
      ctx:channels.filter(function(each) { each{"tags"}.sort() == tags }).head(){"id"}
    }

    // A relative without these rulesets has no place on the pages.
    uiECI_of = function(eci) {
      eci && ctx:canQuery(eci, ctx:rid) => ctx:query(eci, ctx:rid, "uiECI") | null
    }

    children = function() {
      ctx:children.map(function(eci) { uiECI_of(eci) }).filter(function(eci) { eci })
    }
    testingECI = function() { ent:testingECI }
    name = function() { ent:name || (ctx:parent.isnull() => "Pico" | ctx:name || null) }

    box = function() {
      {
        "eci": uiECI(),
        "parent": uiECI_of(ctx:parent),
        "children": children(),
        "name": name(),
        "backgroundColor": ent:backgroundColor || "#87cefa",
        "x": ent:x.defaultsTo(100),
        "y": ent:y.defaultsTo(100),
        "width": ent:width.defaultsTo(100),
        "height": ent:height.defaultsTo(100)
      }
    }

    pico = function() {
      {
        "eci": uiECI(),
        "parent": uiECI_of(ctx:parent),
        "children": children(),
        "channels": ctx:channels,
        "rulesets": ctx:rulesets.map(function(each) { as_shown(each) })
      }
    }

    // The page of rulesets reads these, and breaks where one is missing.
    as_shown = function(ruleset) {
      ruleset.put(
        "version",
        ruleset{["meta", "krlMeta", "version"]} || ""
      ).put(["meta", "compiler"], {"version": "picosched", "warnings": []})
    }

    // A group for each turn and query, the newest first; not for the queries of the pages themselves.
    logs = function() {
      turns = ctx:journal().map(function(turn) { logged(turn) })
      queries = ctx:queries().filter(function(query) {
        query{"rid"} != ctx:rid
      }).map(function(query) { asked(query) })
      groups = turns.append(queries).sort(function(a, b) { time:compare(b{"time"}, a{"time"}) });
      groups.length() > 100 => groups.slice(99) | groups
    }

    asked = function(query) {
      header = <<QUERY #{query{"eci"} || "-"} #{query{"rid"}}/#{query{"name"}} #{query{"args"}.encode()}>>
      time = query{"time"}.split("T")[1]
      failed = query{"error"} => [<<#{time} [ERROR] #{query{"error"}}>>] | [];
      {
        "txnId": query{"txnId"},
        "time": query{"time"},
        "header": header,
        "entries": [<<#{time} [DEBUG] #{header}>>].append(failed)
      }
    }

    logged = function(turn) {
      first = turn{"handled"}.head()
      header = <<EVENT #{turn{"eci"} || "-"} #{named(first)} #{first{"attrs"}.delete("_headers").encode()}>>
      time = turn{"time"}.split("T")[1]
      lines = [["debug", header]]
        .append(joined(turn{"handled"}.map(function(event) { chosen(event) })))
        .append(turn{"log"}.map(function(each) { [each{"level"}, said(each)] }))
        .append(turn{"directives"}.map(function(each) { ["debug", directed(each)] }))
        .append(turn{"errors"}.map(function(error) { ["error", error] }));
      {
        "txnId": turn{"txnId"},
        "time": turn{"time"},
        "header": header,
        "entries": lines.map(function(line) { <<#{time} [#{line[0].uc()}] #{line[1]}>> })
      }
    }

    named = function(event) { event{"domain"} + ":" + event{"type"} }
    joined = function(arrays) { arrays.reduce(function(all, each) { all.append(each) }, []) }
    said = function(each) { <<#{each{"rid"}} : #{each{"rule"}} #{each{"value"}.encode()}>> }
    directed = function(each) { <<directive #{each{"name"}} #{each{"options"}.encode()}>> }

    chosen = function(event) {
      rules = event{"considered"}.filter(function(rule) { rule{"outcome"} != "unselected" });
      rules.map(function(rule) {
        why = rule{"why"} => ": " + rule{"why"} | "";
        ["debug", <<#{named(event)} #{rule{"rid"}} : #{rule{"rule"}} #{rule{"outcome"}}#{why}>>]
      })
    }

    is_color = function(text) { text.as("String").match(re#^\#[0-9a-f]{6}$#i) }
  }

  rule setup {
    select when engine_ui setup
    ctx:upsertChannel(tags, {"allow": events_allowed, "deny": []}, {
      "allow": queries_allowed,
      "deny": []
    })
  }

  rule box {
    select when engine_ui box
    pre {
      x = event:attrs{"x"}.as("Number")
      y = event:attrs{"y"}.as("Number")
      width = event:attrs{"width"}.as("Number")
      height = event:attrs{"height"}.as("Number")
      name = event:attrs{"name"}
      color = event:attrs{"backgroundColor"}
    }
    always {
      ent:x := x if event:attrs >< "x" && not x.isnull()
      ent:y := y if event:attrs >< "y" && not y.isnull()
      ent:width := width if event:attrs >< "width" && not width.isnull()
      ent:height := height if event:attrs >< "height" && not height.isnull()
      ent:name := name.as("String") if name
      ent:backgroundColor := color if color && is_color(color)
      raise wrangler event "name_changed" attributes {"name": name.as("String")} if name
    }
  }

  rule new_child {
    select when engine_ui new
    pre { given = event:attrs.filter(function(value) { value }) }
    always {
      raise wrangler event "new_child_request"
        attributes {"name": name(), "backgroundColor": ent:backgroundColor}.put(given)
    }
  }

  rule delete_child {
    select when engine_ui del eci re#(.+)# setting(wanted)
    pre { eci = ctx:children.filter(function(each) { uiECI_of(each) == wanted }).head() }
    if eci then noop()
    fired {
      raise wrangler event "child_deletion_request" attributes {"eci": eci}
    } else {
      error warn <<found the eci #{wanted}, wanted that of a child's channel for the user interface>>
    }
  }

  rule install {
    select when engine_ui install
    always {
      raise wrangler event "install_ruleset_request" attributes event:attrs
    }
  }

  rule uninstall {
    select when engine_ui uninstall
    always {
      raise wrangler event "uninstall_ruleset_request" attributes event:attrs
    }
  }

  rule flush {
    select when engine_ui flush url re#(.+)# setting(url)
    ctx:flush(url)
  }

  rule new_channel {
    select when engine_ui new_channel
    ctx:newChannel(event:attrs{"tags"}, event:attrs{"eventPolicy"}, event:attrs{"queryPolicy"})
  }

  rule update_channel {
    select when engine_ui update_channel eci re#(.+)# setting(eci)
    ctx:putChannel(eci, event:attrs{"tags"}, event:attrs{"eventPolicy"}, event:attrs{"queryPolicy"})
  }

  rule delete_channel {
    select when engine_ui del_channel eci re#(.+)# setting(eci)
    ctx:delChannel(eci)
  }

  rule testing_eci {
    select when engine_ui testing_eci
    always {
      ent:testingECI := event:attrs{"eci"}
    }
  }
}
