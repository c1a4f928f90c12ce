ruleset a41x11 {
  meta { name "Twitter" use module a16x55 alias tweet key twitter {"consumer_key": "ck", "consumer_secret": "cs"} }
  rule auth { select when pageview ".*" if not twitter:authorized() then twitter:authorize(); fired { last; } }
  rule tweet_it { select when tweet wanted tweet:say("hi"); }
  rule plain { select when tweet counted send_directive("counted"); }
}
