ruleset pds_client {
  meta {
    use module io.picolabs.pds alias pds
    shares item, mine
  }

  global {
    item = function(namespace, key) { pds:get_item(namespace, key) }
    mine = function() { pds:get_setting("other") }
  }

  rule told {
    select when pds data_added
      or pds data_updated
      or pds data_deleted
      or pds namespace_deleted
      or pds profile_updated
      or pds settings_added
      or pds settings_updated
      or pds settings_deleted
    send_directive(event:type, event:attrs)
  }
}
