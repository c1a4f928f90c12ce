"""Options that several commands share, and the examples under a command's help."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import cleandoc
from pathlib import Path
from typing import Annotated, TypeVar

import typer

Db = Annotated[Path, typer.Option("--db", metavar="FILE", help="The database that holds the picos.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON: one value, or one a line.")]
PicoName = Annotated[
    str | None,
    typer.Option("--pico", metavar="NAME", help="The pico, by name or id. Without it: the root pico."),
]
AnyPico = Annotated[
    str | None, typer.Option("--pico", metavar="NAME", help="Only this pico, by name or id. Without it: all.")
]
Eci = Annotated[
    str | None,
    typer.Option("--eci", metavar="ECI", help="Go through this channel, and so through its policy."),
]
Limit = Annotated[int, typer.Option("-n", "--limit", min=1, help="At most so many, the newest.")]

DB = Path("picosched.db")


Function = TypeVar("Function", bound=Callable[..., None])


def command(
    app: typer.Typer, panel: str, *examples: str, name: str | None = None
) -> Callable[[Function], Function]:
    """Make a function a command, with its docstring and examples as its help."""

    def made(function: Function) -> Function:
        return app.command(
            name=name,
            help=_paragraphs(function.__doc__ or ""),
            epilog=_examples(examples),
            rich_help_panel=panel,
        )(function)

    return made


def _paragraphs(text: str) -> str:
    """The text with its paragraphs as long lines, for Rich to wrap; one that is indented stays as it is."""
    paragraphs = cleandoc(text).split("\n\n")
    return "\n\n".join(each if each.startswith(" ") else each.replace("\n", " ") for each in paragraphs)


def _examples(lines: Iterable[str]) -> str:
    # What looks like Rich's markup is meant as it stands.
    return "\n".join(("[dim]Examples[/dim]", *(f"  $ {line}".replace("[", r"\[") for line in lines)))
