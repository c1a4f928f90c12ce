"""The engine: its parts wired together, and the classes for callers."""
