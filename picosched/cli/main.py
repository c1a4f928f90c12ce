"""`picosched`: finds the command, runs it, and maps its errors to exit statuses.

A failing command raises PicoschedError: `main` prints it to stderr and exits with the status of its code. 0
is success, 1 invalid input, 2 wrong usage, 3 any other failure.

A command is imported when it is called, and `plain` reads its options. Typer is imported only for lines that
`plain` does not read. `tests/cli/test_cold.py` checks what is imported.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from typing import NoReturn

from picosched.cli.declared import Commands
from picosched.cli.plain import read
from picosched.cli.printing import show_error
from picosched.errors import EXIT_STATUS, PicoschedError

MODULES: dict[str, tuple[str, ...]] = {
    "demo": ("demo",),
    "starting": ("init",),
    "language": ("check", "eval", "next"),
    "formatting": ("format",),
    "rehearsal": ("simulate", "test"),
    "replaying": ("replay",),
    "planning": ("plan",),
    "lsp": ("lsp",),
    "mcp": ("mcp",),
    "picos": ("install", "uninstall", "raise", "query", "picos", "channels"),
    "versions": ("versions", "diff", "go-back"),
    "schedules": ("scheduled", "show", "history", "why"),
    "load": ("load",),
    "scheduling": ("schedule",),
    "rescheduling": ("cancel", "pause", "resume", "move", "reschedule", "fire", "backfill"),
    "running": ("run", "journal"),
    "serving": ("serve",),
    "machines": ("worker", "machines"),
    "audit": ("audit",),
    "tokens": ("tokens", "make-token", "revoke-token"),
    "sources": ("sources", "add-source", "remove-source", "pause-source", "resume-source"),
    "deliveries": ("deliveries", "retry-delivery", "drop-delivery"),
    "alerts": ("alerts", "add-alert", "change-alert", "remove-alert", "test-alert"),
    "windows": ("windows", "add-window", "change-window", "remove-window"),
    "copies": ("backup", "export", "import", "doctor"),
    "migrating": ("migrate",),
}
"""The commands of each module, in the order of the help."""


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit with its status."""
    try:
        _run(arguments)
    except PicoschedError as error:
        show_error(error)
        sys.exit(EXIT_STATUS[error.code])
    except Exception as error:
        # An unexpected error: the traceback is needed to investigate it.
        import traceback

        traceback.print_exc()
        show_error(PicoschedError(f"picosched failed: {type(error).__name__}: {error}", "internal"))
        sys.exit(EXIT_STATUS["internal"])
    sys.exit(0)


def _run(arguments: Sequence[str] | None) -> None:
    plain = _plain(arguments)
    error = None
    if plain is not None:
        try:
            plain()
            return
        except (PicoschedError, SystemExit):
            raise
        except BaseException as raised:  # wrong use, Ctrl-C, a reader that is gone: Typer knows what to do
            error = raised
    from picosched.cli import full

    full.run(arguments, MODULES, error)


def _plain(arguments: Sequence[str] | None) -> Callable[[], None] | None:
    """The command to run, with its options; None if Typer has to read the line."""
    completing = "_PICOSCHED_COMPLETE" in os.environ
    if completing or (arguments is None and os.name == "nt"):  # there Typer expands patterns of files
        return None
    words = [*(sys.argv[1:] if arguments is None else arguments)]
    module = next((module for module, names in MODULES.items() if words[:1] and words[0] in names), None)
    if module is None:
        return None
    commands: Commands = import_module(f"picosched.cli.{module}").app
    command = commands[words[0]]
    values = read(command.function, words[1:])
    return None if values is None else partial(command.function, **values)
