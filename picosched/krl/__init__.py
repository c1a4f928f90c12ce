"""KRL: text in, a compiled `Ruleset` out. Pure: knows no pico, no SQL, no wall clock."""
