"""Options shared by several commands, and the examples in a command's help."""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable
from functools import wraps
from inspect import cleandoc
from typing import Annotated, Any, TypeVar

from picosched.cli.completing import complete_pico
from picosched.cli.declared import Argument, Command, Commands, Option, WrongUseError
from picosched.cli.where import DATABASE, Where, where_options

DB = DATABASE


def database_here() -> str:
    """The default database of a command that works only on files.

    Refused if the environment names a server, because the caller may mean that.
    """
    url = os.environ.get("PICOSCHED_URL")
    if url:
        raise WrongUseError(
            f"found PICOSCHED_URL={url}, but this command works only on a database: wanted --db FILE"
        )
    return DB


OwnDb = Annotated[str, Option("--db", metavar="FILE", help="The database that holds the picos.")]
Db = Annotated[
    str | None,
    Option("--db", metavar="FILE", help=f"The database that holds the picos. \\[default: {DB}]"),
]
Json = Annotated[bool, Option("--json", help="Print JSON: one value, or one per line.")]
PicoName = Annotated[
    str | None,
    Option(
        "--pico",
        metavar="NAME",
        help="The pico, by name or id. Default: the root pico.",
        autocompletion=complete_pico,
    ),
]
AnyPico = Annotated[
    str | None,
    Option(
        "--pico",
        metavar="NAME",
        help="Only this pico, by name or id. Default: all.",
        autocompletion=complete_pico,
    ),
]
Eci = Annotated[
    str | None,
    Option("--eci", metavar="ECI", help="Use this channel, subject to its policy."),
]
Words = Annotated[
    list[str] | None,
    Argument(metavar="NAME=VALUE…", help="Values are parsed as JSON if possible, otherwise strings."),
]
Limit = Annotated[int, Option("-n", "--limit", min=1, help="Maximum number of results, newest first.")]
Grace = Annotated[
    float,
    Option(
        "--grace",
        metavar="SECONDS",
        min=0.1,
        max=86_400,
        help="How long stopping by a signal may take before the process is ended.",
    ),
]

Function = TypeVar("Function", bound=Callable[..., None])


def command(
    app: Commands, panel: str, *examples: str, name: str | None = None, wrong_use: int = 2
) -> Callable[[Function], Function]:
    """Turn a function into a command, with its docstring and examples as help.

    A parameter of type `Where` is replaced by its options. `wrong_use` is the exit status for wrong use, of a
    command for which 2 is an answer.
    """

    def made(function: Function) -> Function:
        known = name or function.__name__
        app[known] = Command(
            known,
            _with_where(function),
            panel,
            _paragraphs(function.__doc__ or ""),
            _examples(examples),
            wrong_use,
        )
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
