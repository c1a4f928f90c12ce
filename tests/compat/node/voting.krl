ruleset voting {
  meta { shares results, winner }
  global {
    votes = function() { ent:votes.defaultsTo({}) }
    results = function() { votes().values().collect(function(v) { v }).map(function(l) { l.length() }) }
    winner = function() {
      r = results();
      r.keys().reduce(function(a, k) { a.isnull() || r{k} > r{a} => k | a }, null)
    }
  }
  rule vote {
    select when vote cast who re#(.+)# choice re#(.+)# setting(who, choice)
    if not (votes() >< who) then send_directive("counted", {"choice": choice})
    fired { ent:votes := votes().put(who, choice) }
    else { log warn <<#{who} voted twice>>; raise vote event "rejected" attributes {"who": who} }
  }
  rule rejected { select when vote rejected who re#(.)(.*)# setting(first, rest) send_directive("rejected", {"who": first + "..." + rest.length()}) }
}
