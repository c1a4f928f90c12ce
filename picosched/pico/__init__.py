"""The actor, pure: events in, a `Turn` out. Knows rulesets and scheduled events, but no SQL or clock."""
