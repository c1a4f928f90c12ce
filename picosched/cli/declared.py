"""How a command declares its options and arguments: as Typer does, but without Typer.

Typer, Rich and Pydantic take longer to import than most commands take to run. So a command is data here.
`plain` reads a plain command line by it, and `full` makes a Typer command of it for everything else: help,
completion, wrong usage, and unusual ways to write options.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


class Option:
    """An option in an annotation: `Annotated[int, Option("-n", "--count", min=1, help="…")]`.

    Takes what `typer.Option` takes, except that an `autocompletion` is called with the values of the other
    options and the beginning of the word.
    """

    def __init__(self, *names: str, **more: Any) -> None:
        self.names = names
        self.more = more


class Argument(Option):
    """An argument in an annotation; takes what `typer.Argument` takes."""


class WrongUseError(Exception):
    """A combination of options that makes no sense. The message is shown with the usage of the command."""


@dataclass(frozen=True)
class Command:
    """A command: its function, whose parameters are its options, and what its help says."""

    name: str
    function: Callable[..., None]
    panel: str
    help: str
    epilog: str
    wrong_use: int = 2
    """The exit status for wrong use."""


Commands = dict[str, Command]
"""The commands of a module, by name."""
