ruleset quiz {
  meta { shares question, score, page }
  global {
    questions = [{"q": "2 + 2", "a": "4"}, {"q": "3 * 3", "a": "9"}, {"q": "10 / 4", "a": "2.5"}]
    at = function() { ent:at.defaultsTo(0) }
    question = function() { questions[at()]{"q"} }
    score = function() { {"right": ent:right.defaultsTo(0), "of": questions.length()} }
    page = function() { <<<form action="#{meta:host}/c/#{meta:eci.typeof()}/event/quiz/answer"><p>#{question()}</p></form> >> }
  }
  rule answer {
    select when quiz answer
    pre { right = event:attr("a") == questions[at()]{"a"} }
    if right then send_directive("right")
    fired { ent:right := ent:right.defaultsTo(0) + 1 }
    else { raise quiz event "wrong" attributes {"correct": questions[at()]{"a"}} }
    finally { ent:at := at() + 1; raise quiz event "over" if at() >= questions.length() }
  }
  rule wrong { select when quiz wrong send_directive("wrong", event:attrs) }
  rule over { select when quiz over send_directive("over", score()) }
}
