ruleset 10 {
  meta {
    name "Classic"
    key prices {"id": "a", "secret": "b"}
    use css resource ("a.css")
    use module a169x701 version "2"
    errors to a16x88 version "dev"
    authz require user
  }

  dispatch { domain "x.org" /* all pages */ -> "77"  iframe "(" }

  global {
    dataset  prices <- "prices.json" cachable for 30 minutes
    shout = defaction(text) {
      configure using mark = "!" and times = 1
      emit <| alert('}'); |>
      send_directive("shout", {"text": text + mark, "times": times})
    }
  }

  rule archive is inactive {
    select when web pageview url re#/archive/(\d+)/# setting(year)
    emit <<
      some(page.code);   // not ours
    >>
    if seen "x.*" in ent:trail within 3 days then
      shout(year) with mark = "?"
    callbacks { success  { click id="x" } }
    fired {
      mark ent:trail with year
      ent:visits += 1 from 1
      set ent:flag
      set ent:last (ent:visits)
      set ent:years{year} true
      forget "x" in ent:trail if ent:visits > 3
      raise explicit event "visited" for other_rid with year = year and n = ent:visits
    } else {
      log warn "not seen"
    }
  }
}
