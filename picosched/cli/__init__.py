"""The command line: each command reads its words, asks the engine or the language, and prints.

Nothing heavy is imported before a command needs it, so that `picosched --help` and a completion are quick.
"""
