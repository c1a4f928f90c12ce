ruleset os_cron {
  meta {
    name "OS cron"
    description <<
      The cron of an operating system: programs that are run at their times, by entries that rules may add.
      The engine runs only what its setting proc_allow names.
    >>
    shares entries, last
  }

  global {
    entries = function() {
      event:list_scheduled().map(function(each) {
        {"name": each{"name"}, "when": each{"timespec"}}
      })
    }

    last = function(name) { ent:last{name} }
  }

  rule add {
    select when cron entry name re#(.+)# setting(name)
    pre {
      command = event:attrs{"command"}
      when = event:attrs{"when"}
    }
    if command.typeof() == "Array" then noop()
    fired {
      schedule notification event "cron_run" repeat when
        with _name = name and _if_exists = "replace" and name = name and command = command
    }
  }

  rule take_away {
    select when cron no_entry name re#(.+)# setting(name)
    event:delete_all({"name": name}) setting(_ids)
  }

  rule run {
    select when notification cron_run
    pre { command = event:attrs{"command"} }
    proc:run(command.head(), command.tail(), {"name": event:attrs{"name"}, "timeout": 300})
  }

  // Cron would send a mail; here the end of a program is an event like any other.
  rule finished {
    select when proc finished name re#(.+)# setting(name)
    pre { failed = event:attrs{"exit"} != 0 }
    if failed then
      send_directive("mail", {"of": name, "why": event:attrs{"why"} || event:attrs{"stderr"}})
    always {
      ent:last{name} := {
        "at": time:now(),
        "outcome": event:attrs{"outcome"},
        "exit": event:attrs{"exit"}
      }
    }
  }
}
