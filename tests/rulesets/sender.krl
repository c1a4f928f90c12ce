ruleset sender {
  meta {
    use module keyring
    use module texting with sid = keys:messenger("sid")
    key own {"pin": 123456}
    shares sizes, leak, number, encoded, uses, mine, unknown, config
  }

  global {
    sizes = function() {
      [keys:messenger{"token"}.length(), keys:messenger("sid").length(), keys:plain.length(), keys:plain().length()]
    }
    number = function() { keys:own("pin") + 1 }
    encoded = function() { keys:messenger.encode().length() }
    uses = function() { texting:size() }
    leak = function() {
      {
        "whole": keys:messenger,
        "inside": <<Basic #{keys:messenger("sid")}:#{keys:messenger("token")}>>,
        "number": keys:own("pin")
      }
    }
    mine = function() { keys:mine }
    unknown = function() { keys:nosuch }
    config = function() { ctx:rid_config }
  }

  rule log_it {
    select when t leak
    send_directive("leak", {"token": keys:messenger("token")})
    always {
      log info keys:messenger
      ent:token := keys:messenger("token")
      raise t event "within" attributes {"token": keys:messenger("token")}
    }
  }

  rule fail_with_it {
    select when t within
    noop()
    always {
      ent:x := keys:plain.as(keys:messenger("sid"))
    }
  }

  rule keep {
    select when t kept
    send_directive("kept", {"is": ent:token, "length": ent:token.length()})
  }
}
