"""`picosched`: assembles the commands and maps their errors to exit statuses.

A failing command raises PicoschedError: `main` prints it to stderr and exits with the status of its code. 0
is success, 1 invalid input, 2 wrong usage, 3 any other failure.
"""

from __future__ import annotations

import logging
import sys
import traceback
from collections.abc import Callable, Sequence
from functools import cache
from typing import Annotated, NoReturn

import typer

from picosched.cli import (
    copies,
    deliveries,
    demo,
    formatting,
    language,
    picos,
    rehearsal,
    rescheduling,
    running,
    schedules,
    serving,
    sources,
)
from picosched.cli.printing import show_error, write
from picosched.errors import EXIT_STATUS, PicoschedError

app = typer.Typer(
    name="picosched",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for group in (
    demo,
    language,
    formatting,
    rehearsal,
    picos,
    schedules,
    rescheduling,
    running,
    serving,
    sources,
    deliveries,
    copies,
):
    app.add_typer(group.app)


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        write(f"picosched {version('picosched')}")
        raise typer.Exit


@app.callback()
def picosched(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """A rules engine with a scheduler: rulesets schedule events, and each is raised exactly once.

    New here? [bold]picosched demo[/bold] takes you through it in under a minute.
    """


@cache
def _command() -> Callable[..., object]:
    """The assembled command, built once: Typer takes longer for that than most commands take to run."""
    return typer.main.get_command(app)


class _Form(logging.Formatter):
    """Formats messages logged without a configured log like errors."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{record.levelname.lower()}: {super().format(record)}"


def main(arguments: Sequence[str] | None = None) -> NoReturn:
    """Run a command and exit with its status."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_Form())
    try:
        _command()(args=arguments, prog_name="picosched")
    except PicoschedError as error:
        show_error(error)
        sys.exit(EXIT_STATUS[error.code])
    except Exception as error:
        # An unexpected error: the traceback is needed to investigate it.
        traceback.print_exc()
        show_error(PicoschedError(f"picosched failed: {type(error).__name__}: {error}", "internal"))
        sys.exit(EXIT_STATUS["internal"])
    sys.exit(0)
