ruleset time_tracker {
  meta { shares entries, total, running }
  global {
    entries = function() { ent:entries.defaultsTo([]) }
    running = function() { ent:since => true | false }
    total = function(project) {
      entries()
        .filter(function(e) { project.isnull() || e{"project"} == project })
        .map(function(e) { e{"minutes"} })
        .reduce(function(a, b) { a + b }, 0)
    }
  }
  rule start {
    select when clock in
    pre { project = event:attr("project") || "misc" }
    if not ent:since then send_directive("started", {"project": project, "at": time:now()})
    fired { ent:since := time:now(); ent:project := project }
    else { raise clock event "error" attributes {"why": "already running"} }
  }
  rule stop {
    select when clock out minutes re#(\d+)# setting(minutes)
    if ent:since then send_directive("stopped", {"project": ent:project})
    fired {
      ent:entries := entries().append({"project": ent:project, "minutes": minutes.as("Number"), "since": ent:since});
      clear ent:since
    } else { raise clock event "error" attributes {"why": "not running"} }
  }
  rule error {
    select when clock error
    send_directive("error", event:attrs)
  }
}
