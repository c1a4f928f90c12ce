ruleset a41x18 {
  meta { name "Search pages" }
  rule annotate is active {
    select using "google.example/search"
    annotate_search_results(my_selector);
  }
  rule percolate is active { select using "google.example/search" percolate(my_selector); }
  rule log_it is active { select using "google.example/search\?q=(\w+)" setting (q) noop(); fired { mark ent:searches with q; log "searched #{q}" } }
  rule last_search is active { select when search last send_directive("last") with q = current ent:searches; }
}
