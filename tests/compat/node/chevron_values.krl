ruleset chevron_values {
  meta { shares all, html, csv }
  global {
    all = function(x) {
      [<<#{null}>>, <<#{[1, "a"]}>>, <<#{{"a": 1}}>>, <<#{true}>>, <<#{1.50}>>, <<#{x}>>, <<a#{""}b>>, <<#{1 + 1}#{2}>>, <<#{"a" + <<b#{3}>>}>>, << >>, <<
 line >>, <<\n>>, <<"q" 'r' \ >>, <<#{re#x#i}>>, <<#{-0}>>, <<#{0.1 + 0.2}>>, <<#{1000000 * 1000000 * 1000000 * 1000000}>>, <<#{1 / 3}>>]
    }
    html = function(name) { <<<p class="x">#{name.replace(re#<#g, "&lt;")}</p>
>> }
    csv = function() { [["a", "b"], [1, null]].map(function(r) { r.join(";") }).join("|") }
  }
}
