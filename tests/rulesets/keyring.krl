ruleset keyring {
  meta {
    key messenger {"sid": "AC0123456789", "token": "very-secret", "from": {"number": "+15550100"}}
    key plain "open-sesame"
    key mine "for me alone"
    provides keys messenger, plain to sender
  }
}
