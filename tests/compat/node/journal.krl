ruleset journal {
  meta { shares entries, search, by_day, export_csv }
  global {
    entries = function(n) {
      all = ent:entries.defaultsTo([]).reverse();
      n => all.slice(n.as("Number") - 1) | all
    }
    search = function(q) {
      rx = q.as("RegExp");
      entries().filter(function(e) { e{"text"}.match(rx) })
    }
    by_day = function() { entries().collect(function(e) { e{"at"}.substr(0, 10) }).map(function(l) { l.length() }) }
    export_csv = function() {
      entries().map(function(e) { [e{"at"}, e{"text"}].join(",") }).join(10.chr())
    }
  }
  rule write {
    select when journal entry text re#^\s*(.*\S)\s*$# setting(text)
    fired { ent:entries := ent:entries.defaultsTo([]).append({"at": time:now(), "text": text}) }
  }
  rule short {
    select when journal entry where event:attr("text").length() < 5
    send_directive("warning", {"text": "that is short"})
  }
  rule too_many { select when count 3 (journal entry) send_directive("streak", {"n": 3}) }
}
