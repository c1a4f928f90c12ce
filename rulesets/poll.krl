ruleset poll {
  meta {
    name "Poll"
    description <<Asks addresses for JSON when a crononome triggers, and keeps what they say, merged into one map.>>
    shares state, faults
  }

  global {
    state = function() { ent:state.defaultsTo({}) }
    faults = function() { ent:faults.defaultsTo({}) }
  }

  // An entry of the crononome: its payload has the address to ask, and its name is the key to keep it under.
  rule poll {
    select when crononome trigger
    pre {
      trigger = event:attrs{"trigger"}
      key = trigger{"name"}
      url = trigger{["payload", "url"]}
    }
    http:get(url, parseJSON = true) setting(answer)
    always {
      raise poll event "answered" attributes {"key": key, "answer": answer}
    }
  }

  rule merge {
    select when poll answered key re#(.+)# setting(key)
    pre {
      content = event:attrs{["answer", "content"]}
      good = event:attrs{["answer", "status_code"]} == 200 && content.typeof() == "Map"
      before = ent:state{key}.defaultsTo({})
    }
    if good then noop()
    fired {
      ent:state{key} := before.put(content)
      clear ent:faults{key}
    } else {
      ent:faults{key} := event:attrs{["answer", "status_line"]}
      log warn <<#{key}: #{event:attrs{["answer", "status_line"]}}>>
    }
  }
}
