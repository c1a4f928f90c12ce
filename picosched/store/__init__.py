"""The only SQL: what picosched keeps, in one SQLite file. Knows turns and due rows, no rules."""
