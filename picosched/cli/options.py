"""Options shared by several commands, and the examples in a command's help."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable
from functools import wraps
from inspect import cleandoc
from typing import Annotated, Any, TypeVar

import typer

from picosched.cli.completing import complete_pico
from picosched.cli.where import DATABASE, Where, where_options


def database_here() -> str:
    """The default database of a command that works only on files.

    Refused if the environment names a server, because the caller may mean that.
    """
    url = os.environ.get("PICOSCHED_URL")
    if url:
        raise typer.BadParameter(
            f"found PICOSCHED_URL={url}, but this command works only on a database: wanted --db FILE"
        )
    return DB


def _named(context: typer.Context, db: str) -> str:
    said = context.get_parameter_source("db")
    return database_here() if said is not None and said.name == "DEFAULT" else db


OwnDb = Annotated[
    str,
    typer.Option("--db", metavar="FILE", help="The database that holds the picos."),
]
Db = Annotated[
    str,
    typer.Option(
        "--db",
        metavar="FILE",
        help="The database that holds the picos.",
        callback=_named,
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON: one value, or one per line.")]
PicoName = Annotated[
    str | None,
    typer.Option(
        "--pico",
        metavar="NAME",
        help="The pico, by name or id. Default: the root pico.",
        autocompletion=complete_pico,
    ),
]
AnyPico = Annotated[
    str | None,
    typer.Option(
        "--pico",
        metavar="NAME",
        help="Only this pico, by name or id. Default: all.",
        autocompletion=complete_pico,
    ),
]
Eci = Annotated[
    str | None,
    typer.Option("--eci", metavar="ECI", help="Use this channel, subject to its policy."),
]
Limit = Annotated[int, typer.Option("-n", "--limit", min=1, help="Maximum number of results, newest first.")]
Grace = Annotated[
    float,
    typer.Option(
        "--grace",
        metavar="SECONDS",
        min=0.1,
        max=86_400,
        help="How long stopping by a signal may take before the process is ended.",
    ),
]

DB = DATABASE


Function = TypeVar("Function", bound=Callable[..., None])


def command(
    app: typer.Typer, panel: str, *examples: str, name: str | None = None
) -> Callable[[Function], Function]:
    """Turn a function into a command, with its docstring and examples as help.

    A parameter of type `Where` is replaced by its options.
    """

    def made(function: Function) -> Function:
        app.command(
            name=name,
            help=_paragraphs(function.__doc__ or ""),
            epilog=_examples(examples),
            rich_help_panel=panel,
        )(_with_where(function))
        return function

    return made


def _with_where(function: Function) -> Callable[..., None]:
    for each in inspect.signature(function, eval_str=True).parameters.values():
        if each.annotation is Where:
            return with_options(function, each.name, where_options)
    return function


def with_options(
    function: Callable[..., None], name: str, options: Callable[..., Any]
) -> Callable[..., None]:
    """The command with one parameter replaced by the parameters of `options`, which computes its value.

    Typer derives the options of a command from its parameters.
    """
    own = inspect.signature(function, eval_str=True).parameters.values()
    given = inspect.signature(options, eval_str=True).parameters

    @wraps(function)
    def run(**values: Any) -> None:
        made = options(**{each: values.pop(each) for each in given})
        function(**{name: made}, **values)

    listed = [part for each in own for part in (given.values() if each.name == name else [each])]
    # Keyword-only, so that parameters without a default may follow those with one.
    named = [each.replace(kind=inspect.Parameter.KEYWORD_ONLY) for each in listed]
    run.__signature__ = inspect.Signature(named)  # type: ignore[attr-defined]
    return run


def _paragraphs(text: str) -> str:
    """The text with paragraphs joined into long lines for Rich to wrap; indented ones are kept."""
    paragraphs = cleandoc(text).split("\n\n")
    return "\n\n".join(each if each.startswith(" ") else each.replace("\n", " ") for each in paragraphs)


def _examples(lines: Iterable[str]) -> str:
    # Escape text that looks like Rich's markup.
    return "\n".join(("[dim]Examples[/dim]", *(f"  $ {line}".replace("[", r"\[") for line in lines)))
