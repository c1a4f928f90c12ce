ruleset account_registry {
  meta { shares users, user, login_page }
  global {
    users = function() { ent:users.defaultsTo({}).map(function(u) { u.delete("hash") }) }
    user = function(name) { users(){name} }
    digest = function(password, salt) { math:hash("sha256", salt + password) }
    login_page = function() { <<<form method="POST" action="#{meta:host}/sky/event/ECI/login/account/login">
  <input name="name"/><input name="password" type="password"/>
</form>
>> }
  }
  rule register {
    select when account register name re#^(\w{2,20})$# password re#^(.{4,})$# setting(name, password)
    if users(){name}.isnull() then send_directive("registered", {"name": name})
    fired {
      ent:users{name} := {"name": name, "hash": digest(password, name), "since": time:now(), "logins": 0}
    } else { raise account event "failed" attributes {"reason": "name taken"} }
  }
  rule login {
    select when account login
    pre {
      name = event:attr("name")
      ok = ent:users{[name, "hash"]} == digest(event:attr("password"), name)
    }
    if ok then send_directive("welcome", {"name": name, "logins": ent:users{[name, "logins"]} + 1})
    fired { ent:users{[name, "logins"]} := ent:users{[name, "logins"]} + 1 }
    else { raise account event "failed" attributes {"reason": "wrong"} }
  }
  rule failed { select when account failed send_directive("failed", event:attrs) }
}
