ruleset 10 {
    meta {
       name "Frequent visitors"
       description "Archive counters"
    }
    rule frequent_archive_visitor is active {
        select using "/archives/(\d+)/" setting (year)
        pre {
            c = ent:archive_pages;
            t = "#{c} pages of #{year}";
        }
        if ent:archive_pages > 3 within 3 days then
            alert(t)  // ### "the rule frequent_archive_visitor is inactive: the action alert changes a web page"
        fired {
            clear ent:archive_pages;
            forget "/x" in ent:trail
        } else {
            ent:archive_pages += 1 from 1;
        }
    }
    rule before_after is active {
        select using "/identity-policy/" setting()
        after("#sidebar", "<p>after</p>");  // ### "the rule before_after is inactive: the action after changes a web page"
        fired { last }
    }
    rule two is active {
        select when click "#buy" or submit "#form" or change ".x"
        every {
            popup(10, 10, 10, 10, "http://x.example");  // ### "the rule two is inactive: the action popup changes a web page"
            redirect("http://y.example");
        }
    }
    rule three is active {
        select when pageview "a" and pageview "b" 
        choose {
            a => alert("a");  // ### "the rule three is inactive: the action alert changes a web page"
            b => notify("a", "b");
        }
    }
    rule four is active {
        select when pageview "a" then click "#b"
        if today_is("Tuesday") && seen "/archive/" in ent:trail then noop();
        fired { mark ent:trail; set ent:flag; log "four" }
    }
    rule five is active {
        select when any 2 (pageview "a", pageview "b", click "c")
        noop();
    }
    rule six is active {
        select when pageview "a" between (pageview "b", pageview "c")
        foreach [1,2,3] setting (n) 
          pre { m = n + 1 }
          append("body", "<p>#{m}</p>");  // ### "the rule six is inactive: the action append changes a web page"
    }
}
