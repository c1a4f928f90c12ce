ruleset auto_accept {
  meta { use module io.picolabs.wrangler alias wrangler }
  rule auto_accept {
    select when wrangler inbound_pending_subscription_added
    pre { my_role = event:attrs{"Rx_role"} their_role = event:attrs{"Tx_role"} }
    if my_role == "sensor" && their_role == "manager" then noop()
    fired { raise wrangler event "pending_subscription_approval" attributes event:attrs }
    else { raise wrangler event "inbound_rejection" attributes event:attrs }
  }
}
