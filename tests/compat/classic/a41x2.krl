ruleset a41x2 {
  meta { name "Archive" description << Which years are read >> logging off }
  global { years = {"2009": "nine", "2010": "ten"}; }
  rule archive is active {
    select using "/archives/(\d+)/(\w+)" setting (year, month)
    pre { word = years.pick("$.#{year}"); }
    send_directive("year") with year = year and month = month and word = word;
    fired { mark ent:trail with "#{year}/#{month}"; }
  }
  rule seen_it is active {
    select using "/archives/$" setting ()
    if seen "2009" in ent:trail then send_directive("seen") with last = current ent:trail;
  }
}
