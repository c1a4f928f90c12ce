ruleset syntax_forms {
  meta { shares f, g  provides f }
  global {
    f = function(){
      // comment
      /* another */
      a = 1
      b = 2;
      a + b
    };
    g = function() { {"a" : 1, "b" : [1,2,], } }
  }
}
