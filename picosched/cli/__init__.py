"""The command line: each command parses its arguments, calls the engine or the language, and prints.

Heavy imports are deferred until a command needs them, so that `picosched --help` and completion are fast.
"""
