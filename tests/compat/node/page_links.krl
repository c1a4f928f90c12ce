ruleset page_links {
  meta { name "Pages" shares page, row, context }
  global {
    row = function(n) {
      <<<tr><td>#{n}</td><td><a href="#{meta:host}/c/#{meta:eci}/event/page/clicked?n=#{n}">click</a></td></tr>
>>
    }
    page = function(n) {
      <<<!DOCTYPE HTML>
<html>
  <head><title>Rows</title></head>
  <body>
<table>
#{1.range(n.as("Number") || 2).map(row).join("")}</table>
<form action="#{meta:host}/sky/event/#{meta:eci}/none/page/clicked" method="POST">
<input name="n"> <button type="submit">go</button>
</form>
  </body>
</html>
>>
    }
    context = function() {
      {"host": meta:host, "eci": meta:eci, "rid": meta:rid, "query": meta:inQuery, "event": meta:inEvent,
       "txn": meta:txnId.typeof()}
    }
  }
  rule clicked {
    select when page clicked
    pre { n = event:attr("n") }
    send_directive("_redirect", {"url": <<#{meta:host}/c/#{meta:eci}/query/#{meta:rid}/page.html?n=#{n}>>})
    fired { ent:clicks := ent:clicks.defaultsTo({}).put(n, (ent:clicks{n} || 0) + 1) }
    finally { raise page event "counted" attributes {"clicks": ent:clicks} }
  }
  rule counted {
    select when page counted
    send_directive("counted", event:attrs.put("rule", meta:ruleName))
  }
}
