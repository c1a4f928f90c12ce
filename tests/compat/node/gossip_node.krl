ruleset gossip_node {
  meta {
    name "Gossip"
    description <<Rumors with ids such as ABC:3, and what each neighbour has seen>>
    shares rumors, seen, missing, best_peer
  }
  global {
    rumors = function() { ent:rumors.defaultsTo({}) }
    origin_of = function(id) { id.split(re#:#)[0] }
    number_of = function(id) { id.split(re#:#)[1].as("Number") }
    highest = function(origin) {
      numbers = rumors(){origin}.defaultsTo({}).keys().map(function(k) { k.as("Number") }).sort("numeric");
      numbers.reduce(function(a, n) { n == a + 1 => n | a }, -1)
    }
    seen = function() { rumors().map(function(v, origin) { highest(origin) }) }
    missing = function(peer) {
      theirs = ent:peers{peer}.defaultsTo({});
      rumors().map(function(list, origin) {
        list.filter(function(r, n) { n.as("Number") > theirs{origin}.defaultsTo(-1) }).values()
      }).values().reduce(function(a, l) { a.append(l) }, [])
    }
    best_peer = function() {
      ent:peers.defaultsTo({}).keys().sort(function(a, b) { missing(b).length() <=> missing(a).length() }).head()
    }
  }
  rule rumor {
    select when gossip rumor MessageID re#^(\w+:\d+)$# setting(id)
    pre { o = origin_of(id) n = number_of(id) }
    if rumors(){[o, n.as("String")]}.isnull() then send_directive("new", {"origin": o, "n": n})
    fired { ent:rumors := rumors().put([o, n.as("String")], event:attrs) }
  }
  rule peer_seen {
    select when gossip seen
    foreach missing(event:attrs{"from"}) setting(rumor)
    pre { from = event:attrs{"from"} }
    send_directive("rumor", rumor)
    always { ent:peers := ent:peers.defaultsTo({}).put(from, seen()) on final }
  }
  rule peer {
    select when gossip peer
    always { ent:peers := ent:peers.defaultsTo({}).put(event:attr("name"), event:attr("seen") || {}) }
  }
}
