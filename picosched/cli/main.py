"""`picosched`: the commands, put together, and what becomes of what they raise.

A command that meets a fault raises PicoschedError and is done: `main` shows it on stderr and ends with the
exit status of its code. 0 is done, 1 the input is at fault, 2 usage, 3 something else failed.
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
    """Picos that keep time: rulesets schedule events, and each comes back exactly once.

    New here? [bold]picosched demo[/bold] shows it all in under a minute.
    """


@cache
def _command() -> Callable[..., object]:
    """All commands in one. Typer takes longer to build it than most commands take, so it is built once."""
    return typer.main.get_command(app)


class _Form(logging.Formatter):
    """Of what is logged where no log was set up: as errors are shown."""

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
        # Not a fault that anybody foresaw: whoever looks into it wants to see where it came from.
        traceback.print_exc()
        show_error(PicoschedError(f"picosched failed: {type(error).__name__}: {error}", "internal"))
        sys.exit(EXIT_STATUS["internal"])
    sys.exit(0)
