"""Sources: clocks and calendars that raise events, independent of any ruleset.

A source is declared by a table `[[source]]` of picosched.toml, a map in Python, or `source:add` in a rule:
a metronome that ticks at an interval, a crononome whose entries each have a timespec and a payload, a cron
table whose entries each have an event of their own. This package parses and checks declarations, and
computes when an entry is due next and what happens to missed occurrences. Pure: no clock, no store, no
pico.
"""
