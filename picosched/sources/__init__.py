"""Sources: clocks and calendars outside any ruleset that raise events.

A source is declared by a table `[[source]]` of picosched.toml, a map in Python, or `source:add` in a rule: a
metronome that ticks at an interval, a crononome whose entries each have a timespec and a payload, a cron
table whose entries each have an event of their own. Here declarations are read and checked, and it is told
when an entry is due next and what becomes of occurrences that were missed. Pure: no clock, no store, no pico.
"""
