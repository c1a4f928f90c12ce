ruleset ledger {
  meta {
    name "Ledger"
    description <<
Keeps books, so that what is lost or doubled shows. Who raises an event of the domain `ledger` gives the name of a
lane and a serial that grows by one; which serials came is entered. What a rule schedules or sends is owed until it
has come: `ent:owed` has how many events of each key are still to come, in the same turn in which they are scheduled
or come. What comes and is not owed stands in `ent:wrong`. So at every moment the books, the schedule and the record
of fires say the same; tests/soak/books.py compares them.
    >>
    shares book
  }

  global {
    book = function(lane) {
      {
        "last": ent:last{lane}.defaultsTo(0),
        "owed": ent:owed.defaultsTo({}).length(),
        "wrong": ent:wrong.defaultsTo([])
      }
    }
    returns = ["returned", "finished"]
    number = function(name, usual) { event:attrs{name}.defaultsTo(usual).as("Number") }
    key_of = function() { event:attrs{"lane"} + "-" + event:attrs{"serial"} }
    later = function() { event:time + number("after", 0) }
    noted = function(what) {
      so_far = ent:wrong.defaultsTo([]);
      so_far.length() < 100 => so_far.append(what) | so_far
    }
  }

  // ---- what came ----

  rule enter {
    select where event:domain == "ledger"
    pre {
      lane = event:attrs{"lane"}
      serial = number("serial", 0)
      last = ent:last{lane}.defaultsTo(0)
      skipped = serial > last + 1 => (last + 1).range(serial - 1) | []
    }
    send_directive("entered", {"lane": lane, "serial": serial})
    fired {
      ent:last{lane} := serial if serial > last
      ent:entered := ent:entered.defaultsTo(0) + 1
      ent:missing{lane} := ent:missing{lane}.defaultsTo([]).append(skipped) if skipped.length() > 0
      ent:wrong := noted(<<#{lane}-#{serial} came behind #{last}>>) if serial <= last
    }
  }

  rule keep {
    select where event:domain == "due" && event:type != "until" || returns >< event:type
    pre {
      key = event:attrs{"key"}.defaultsTo(event:attrs{"name"})
      left = ent:owed{key}
    }
    if left then noop()
    fired {
      ent:owed{key} := left - 1 if left > 1
      clear ent:owed{key} if left == 1
      ent:kept := ent:kept.defaultsTo(0) + 1
    } else {
      ent:wrong := noted(<<#{event:type} #{key} came and was not owed>>)
    }
  }

  // ---- schedules ----

  rule later {
    select when ledger later
    always {
      ent:owed{key_of()} := 1
      schedule due event "once" at later()
        attributes {"key": key_of(), "owner": ctx:picoId, "_description": event:attrs{"why"}}
    }
  }

  rule branch {
    select when ledger branch or due branch
    foreach 1.range(number("width", 2)) setting(n)
    pre {
      depth = number("depth", 1)
      key = event:attrs{"key"}.defaultsTo(key_of()) + "/" + n
    }
    always {
      ent:owed{key} := 1
      schedule due event "branch" at later() + n
        attributes event:attrs.put({
          "key": key,
          "depth": depth - 1,
          "owner": ctx:picoId
        }) if depth > 1
      schedule due event "once" at later() + n
        attributes {"key": key, "owner": ctx:picoId} if depth <= 1
    }
  }

  rule again {
    select when ledger again
    always {
      ent:owed{key_of()} := number("count", 2)
      schedule due event "again" repeat "* * * * * *"
        attributes {
          "key": key_of(),
          "owner": ctx:picoId,
          "_name": key_of(),
          "_count": number("count", 2)
        }
    }
  }

  rule until {
    select when ledger until
    always {
      schedule due event "until" repeat "* * * * * *"
        attributes {"key": key_of(), "owner": ctx:picoId, "_until": later()}
        setting(id)
      ent:until{key_of()} := 0
      ent:owed{key_of()} := 1
      schedule due event "closed" at later() + 2000
        attributes {"key": key_of(), "owner": ctx:picoId, "id": id}
    }
  }

  rule until_came {
    select when due until key re#(.+)# setting(key)
    pre { so_far = ent:until{key} }
    if not so_far.isnull() then noop()
    fired {
      ent:until{key} := so_far + 1
    } else {
      ent:wrong := noted(<<until #{key} came behind its end>>)
    }
  }

  rule closed {
    select when due closed key re#(.+)# setting(key)
    pre {
      row = event:show(event:attrs{"id"})
      right = row{"status"} == "finished" && row{"fires"} == ent:until{key}
    }
    if right then noop()
    fired {
      clear ent:until{key}
    } else {
      ent:wrong := noted(
        <<until #{key}: #{row{"status"}}, #{row{"fires"}} fires, #{ent:until{key}} came>>
      )
      clear ent:until{key}
    }
  }

  // One of a name: the one before is cancelled, and owed no more.
  rule named {
    select when ledger named
    pre {
      name = "named " + event:attrs{"lane"}
      before = event:find({"name": name}).map(function(row) { row{["attrs", "key"]} })
    }
    always {
      ent:owed := ent:owed.defaultsTo({}).filter(function(left, key) { not (before >< key) })
      ent:owed{key_of()} := 1
      schedule due event "once" at later()
        attributes {"key": key_of(), "owner": ctx:picoId, "_name": name, "_if_exists": "replace"}
    }
  }

  // What somebody cancelled from outside is owed no more.
  rule forgive {
    select when ledger forgiven
    pre { key = event:attrs{"key"} }
    if ent:owed{key} then noop()
    fired {
      clear ent:owed{key}
    } else {
      ent:wrong := noted(<<#{key} was cancelled and came all the same>>)
    }
  }

  // ---- messages ----

  rule pass {
    select when ledger pass
    event:send({
      "eci": event:attrs{"route"}.head(),
      "domain": "post",
      "type": "came",
      "attrs": {
        "key": key_of(),
        "owner": ctx:picoId,
        "route": event:attrs{"route"}.tail().append(event:attrs{"own"})
      }
    })
    always {
      ent:owed{key_of()} := 1
    }
  }

  rule pass_on {
    select when post came
    pre { route = event:attrs{"route"} }
    event:send({
      "eci": route.head(),
      "domain": "post",
      "type": route.length() > 1 => "came" | "returned",
      "attrs": event:attrs.put({"route": route.tail()})
    })
    always {
      ent:passed := ent:passed.defaultsTo(0) + 1
    }
  }

  rule consult {
    select when ledger consult
    pre { told = ctx:query(event:attrs{"eci"}, ctx:rid, "book", {"lane": event:attrs{"lane"}}) }
    if told{"wrong"}.typeof() == "Array" then noop()
    notfired {
      ent:wrong := noted(<<another pico answered #{told.encode()}>>)
    }
  }

  // ---- programs ----

  rule program {
    select when ledger program
    proc:run(event:attrs{"program"}, ["-a", event:attrs{"file"}], {
      "stdin": key_of() + 10.chr(),
      "name": key_of()
    })
    always {
      ent:owed{key_of()} := 1
    }
  }

  rule ended {
    select when proc finished
    pre {
      outcome = event:attrs{"outcome"}
      right = outcome == "exited" && event:attrs{"exit"} == 0 || outcome == "interrupted"
    }
    if right then noop()
    notfired {
      ent:wrong := noted(
        <<the program of #{event:attrs{"name"}}: #{outcome} #{event:attrs{"why"}}>>
      )
    }
  }

  // ---- children ----

  rule child {
    select when ledger child
    pre {
      met = key_of() + "/met"
      gone = key_of() + "/gone"
    }
    every {
      ctx:newPico([{"url": ctx:rid_url, "config": {}}], key_of()) setting(eci)
      event:send({
        "eci": eci,
        "domain": "post",
        "type": "came",
        "attrs": {"key": met, "owner": ctx:picoId, "route": [event:attrs{"own"}]}
      })
      event:send({
        "eci": eci,
        "domain": "ledger",
        "type": "again",
        "attrs": {"lane": "parent", "serial": 1, "count": 100}
      })
    }
    fired {
      ent:owed{met} := 1
      ent:owed{gone} := 1
      schedule due event "grown" at later() + 1000
        attributes {"key": gone, "owner": ctx:picoId, "eci": eci}
    }
  }

  // The last message is for one who is gone when it comes: it fails, and is not due for ever.
  rule grown {
    select when due grown eci re#(.+)# setting(eci)
    every {
      event:send({"eci": eci, "domain": "post", "type": "stray", "attrs": {}})
      ctx:delPico(eci)
    }
  }

  // ---- what fails, and what asks outside ----

  rule plan_to_fail {
    select when ledger failing
    always {
      ent:owed{key_of()} := 1
      schedule due event "failing" at later() attributes {"key": key_of(), "owner": ctx:picoId}
    }
  }

  rule fail {
    select when ledger failing or due failing
    send_directive("never", {"sum": time:add("soon", {"days": 1})})
    always {
      ent:wrong := noted("a rule that fails was kept")
    }
  }

  rule failed {
    select when system error
    always {
      ent:failures := ent:failures.defaultsTo(0) + 1
    }
  }

  rule ask {
    select when ledger ask or due ask
    pre {
      key = event:attrs{"key"}.defaultsTo(key_of())
      answer = http:get(event:attrs{"url"}, qs = {"key": key})
      right = answer{"status_code"} == 200 && answer{"content"} == key
    }
    if right || answer{"status_code"} == 500 then noop()
    fired {
      ent:asked := ent:asked.defaultsTo(0) + 1
    } else {
      ent:wrong := noted(<<asked for #{key}: #{answer{"status_line"}} #{answer{"content"}}>>)
    }
  }

  rule ask_later {
    select when ledger ask
    always {
      ent:owed{key_of()} := 1
      schedule due event "ask" at later()
        attributes {"key": key_of(), "owner": ctx:picoId, "url": event:attrs{"url"}}
    }
  }

  rule toil {
    select when ledger toil
    pre {
      sum = 1
        .range(5000)
        .map(function(n) { 1.range(5000).map(function(m) { n + m }).length() })
        .length()
    }
    send_directive("done", {"sum": sum})
  }

  // ---- sources ----

  rule tick {
    select when metronome tick or crononome trigger or clock struck
    pre { name = event:attrs{"name"}.defaultsTo(event:attrs{"connector"}) }
    always {
      ent:ticks{name} := ent:ticks{name}.defaultsTo(0) + 1
    }
  }
}
