"""The engine: the wiring, and its faces."""
