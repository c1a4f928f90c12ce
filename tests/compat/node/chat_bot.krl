ruleset chat_bot {
  meta { shares history }
  global {
    history = function() { ent:history.defaultsTo([]) }
    answers = {"hello": "hi there", "bye": "see you"}
    answer = function(text) {
      key = answers.keys().filter(function(k) { text.lc().match(k.as("RegExp")) }).head();
      key => answers{key} | "I do not understand " + text.uc()
    }
  }
  rule hear {
    select when chat message text re#(?:@bot\s+)?(.*)#i setting(text)
    pre { reply = answer(text) }
    send_directive("reply", {"text": reply, "n": history().length()})
    always { ent:history := history().append([[text, reply]]) }
  }
  rule commands {
    select when chat message text re#^/(\w+)\s*(\w*)$# setting(command, arg)
    choose command {
      clear => send_directive("cleared")
      say => send_directive("say", {"arg": arg})
    }
    fired { clear ent:history if command == "clear" }
  }
}
