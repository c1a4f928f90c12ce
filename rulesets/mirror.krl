ruleset mirror {
  meta {
    name "Mirror"
    description <<
      Folders that are copied to another machine. A copy may take longer than the time to the next one, so each
      folder has a word for that: queue, skip or cancel.
    >>
    shares folders, last
  }

  global {
    folders = function() {
      event:list_scheduled().map(function(each) {
        event:show(each{"id"}).filter(function(_, key) { ["name", "timespec", "overlap"] >< key })
      })
    }

    last = function(folder) { ent:last{folder} }
  }

  // queue: every change gets to the other side, late if need be.
  // skip: the copy at work will do, and the next is soon enough.
  // cancel: what is being copied is out of date, so begin anew.
  rule add {
    select when mirror wanted folder re#(.+)# setting(folder)
    pre {
      when = event:attrs{"when"} || "0 * * * *"
      overlap = event:attrs{"overlap"} || "queue"
    }
    fired {
      schedule mirror event "due" repeat when
        with _name = folder and _if_exists = "replace" and _overlap = overlap and folder = folder
    }
  }

  rule copy {
    select when mirror due folder re#(.+)# setting(folder)
    proc:run("/usr/bin/rsync", ["--archive", folder, "mirror:" + folder], {"name": folder})
  }

  // Of a copy that was cancelled, the next one is on its way.
  rule copied {
    select when proc finished name re#(.+)# setting(folder)
    pre { outcome = event:attrs{"outcome"} }
    if outcome != "cancelled" && event:attrs{"exit"} != 0 then
      send_directive("tell", {"folder": folder, "why": event:attrs{"why"} || event:attrs{"stderr"}})
    always {
      ent:last{folder} := {"at": time:now(), "outcome": outcome}
    }
  }

  // One that waited for an hour or more shows that there is too much to copy.
  rule behind {
    select when schedule late where lateness >= 3600
    send_directive("behind", {
      "folder": event:attrs{"name"},
      "hours": event:attrs{"lateness"} / 3600
    })
  }
}
