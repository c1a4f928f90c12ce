"""The actor, pure: events in, a `Turn` out. Knows rulesets and scheduled events, no SQL, no clock."""
