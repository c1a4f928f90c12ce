ruleset io.picosched.proc {
  meta {
    name "Programs"
    description <<
      Runs programs of this machine for events proc:run, as those of a crontab file are: command is
      an array of a program's absolute path and its arguments, with env, cwd, stdin, timeout and
      name if need be. The engine runs only what its setting proc_allow names; whoever may raise
      proc:run in this pico may run that, with any arguments.
    >>
    author "picosched"
    shares runs
  }

  global {
    kept = 20
    options = ["env", "cwd", "stdin", "timeout", "name"]

    // The last runs that ended, the newest last.
    runs = function() { ent:runs.defaultsTo([]) }

    __testing = {
      "queries": [{"name": "runs", "args": []}],
      "events": [{"domain": "proc", "name": "run", "attrs": ["command"]}]
    }
  }

  rule run {
    select when proc run
    pre {
      command = event:attrs{"command"}
      given = event:attrs.filter(function(value, name) { options >< name })
    }
    proc:run(command.head(), command.tail(), given)
  }

  rule keep {
    select when proc finished
    pre {
      ended = runs().append(event:attrs.put("time", time:now()))
      failed = event:attrs{"exit"} != 0
    }
    always {
      ent:runs := ended.length() > kept => ended.tail() | ended
      log warn event:attrs if failed
    }
  }
}
