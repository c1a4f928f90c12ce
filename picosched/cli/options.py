"""Options that several commands share, and the examples under a command's help."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

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


def examples(*lines: str) -> str:
    """The epilog of a command's help: a heading and a line for each example."""
    return "\n\n".join(("[dim]Examples[/dim]", *(f"  $ {_literal(line)}" for line in lines)))


def _literal(text: str) -> str:
    # What looks like Rich's markup is meant as it stands.
    return text.replace("[", r"\[")
