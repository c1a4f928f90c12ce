ruleset a41x4 {
  meta { name "Mail" }
  rule invoice {
    select when email received subject "Invoice (\d+)" setting(n)
    pre { from = event:attr("from"); }
    send_directive("forward") with from = from and n = n;
    fired { ent:invoices += 1 from 1; raise explicit event invoice_seen with n = n; }
  }
  rule spam {
    select when email received where subject.match(re/win money/i)
    send_directive("delete");
  }
  rule told {
    select when explicit invoice_seen
    send_directive("told") with n = event:attr("n") and all = ent:invoices;
  }
}
