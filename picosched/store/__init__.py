"""All SQL: the state of picosched in one SQLite file. Knows turns and due rows, but no rules."""
