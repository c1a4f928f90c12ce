"""A command line that is read without Typer gives what Typer reads, and Typer reads all others."""

from __future__ import annotations

import inspect
import io
import re
import shlex
from collections.abc import Sequence
from contextlib import redirect_stdout
from dataclasses import replace
from functools import cache
from importlib import import_module
from typing import Any, get_args

import pytest
import typer
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table
from rich.text import Text

from picosched.cli import full, printing
from picosched.cli.declared import Argument, Command
from picosched.cli.main import MODULES
from picosched.cli.plain import Parameter, parameters_of, read

COMMANDS: dict[str, Command] = {
    name: command
    for module in MODULES
    for name, command in import_module(f"picosched.cli.{module}").app.items()
}
TEXTS = (
    "", "-", "--", "a", "é", "x y", "0", "1", "5", "-1", "+5", "007", "1.5", "1e3", "1_0", " 1", "٣", "99999",
    "nan", "inf", "week", "Week", "json", "fire", "all", "a=b", "--json", "-n", "-n5", "-yf", "--nosuch",
    "true", "*",
)  # fmt: skip


NUMBERS = (
    "0",
    "1",
    "5",
    "-1",
    "+5",
    "007",
    "1.5",
    "1e3",
    "1_0",
    " 1",
    "٣",
    "99999",
    "nan",
    "inf",
    "x",
    "0.05",
)


def test_the_commands_of_each_module_are_those_it_declares() -> None:
    assert {module: tuple(import_module(f"picosched.cli.{module}").app) for module in MODULES} == MODULES


@cache
def of_typer(name: str) -> Any:
    """A Typer command that returns the values it would call the command with."""
    found: list[dict[str, Any]] = []

    def recorded(**values: Any) -> None:
        found.append(values)

    recorded.__signature__ = inspect.signature(COMMANDS[name].function, eval_str=True)  # type: ignore[attr-defined]
    app = typer.Typer(add_completion=False)
    app.command()(full._of_typer(replace(COMMANDS[name], function=recorded)))
    return typer.main.get_command(app), found


def typer_reads(name: str, words: Sequence[str]) -> dict[str, Any] | None:
    """The values, or None for wrong usage and for help."""
    command, found = of_typer(name)
    found.clear()
    with redirect_stdout(io.StringIO()):
        try:
            command(args=[*words], standalone_mode=False)
        except Exception:
            return None
    return found[0] if found else None


def texts_of(parameter: Parameter) -> st.SearchStrategy[str]:
    """Values that mean something to an option, or nearly, and any others."""
    if parameter.kind in (int, float):
        return st.sampled_from(NUMBERS)
    return st.sampled_from((*map(str, get_args(parameter.kind)), *TEXTS))


def words_of(parameter: Parameter) -> st.SearchStrategy[list[str]]:
    values = texts_of(parameter)
    if isinstance(parameter.declared, Argument):
        return values.map(lambda text: [text])
    names = [part for each in parameter.declared.names for part in each.split("/")]
    named = st.sampled_from(names or [f"--{parameter.name}"])
    if parameter.kind is bool:
        return named.map(lambda name: [name])
    joined = st.tuples(named, values).map(lambda pair: [f"{pair[0]}={pair[1]}"])
    return st.one_of(st.tuples(named, values).map(list), joined, named.map(lambda name: [name]))


@settings(max_examples=10, deadline=None)
@given(st.data())
@pytest.mark.parametrize("name", COMMANDS)
def test_what_is_read_without_typer_is_what_typer_reads(name: str, data: st.DataObject) -> None:
    each = st.one_of([words_of(parameter) for parameter in parameters_of(COMMANDS[name].function)])
    words = [word for part in data.draw(st.lists(each, max_size=4)) for word in part]
    plain = read(COMMANDS[name].function, words)
    if plain is not None:
        assert plain == typer_reads(name, words)


@pytest.mark.parametrize("name", COMMANDS)
def test_each_option_alone_is_read_as_typer_reads_it(name: str) -> None:
    """With its required ones before it, each with each value that is nearly one of its kind."""
    parameters = parameters_of(COMMANDS[name].function)
    needed = [word for each in parameters if each.required for word in one_of(each, "5")]
    for parameter in parameters:
        for text in NUMBERS if parameter.kind in (int, float) else get_args(parameter.kind):
            words = [*needed, *one_of(parameter, text)]
            plain = read(COMMANDS[name].function, words)
            assert plain is None or plain == typer_reads(name, words), words


def one_of(parameter: Parameter, text: str) -> list[str]:
    if isinstance(parameter.declared, Argument):
        return [text]
    names = parameter.declared.names or (f"--{parameter.name}",)
    return [names[0], text]


@pytest.mark.parametrize("name", COMMANDS)
def test_the_examples_of_a_command_are_plain(name: str) -> None:
    lines = re.findall(rf"\$ picosched {name}(.*)", COMMANDS[name].epilog.replace("\\[", "["))
    assert lines
    for line in lines:
        words = [word for word in shlex.split(re.split(r" [|>] ", line)[0]) if word]
        plain = read(COMMANDS[name].function, words)
        assert plain == typer_reads(name, words) or (plain is None and "-" in words), line
        assert plain is not None or "-" in words, line


@given(st.lists(st.tuples(*[st.text(st.sampled_from("ab -–…[]1"), max_size=5)] * 3), max_size=4))
def test_a_table_in_a_pipe_is_the_one_that_rich_writes(lines: list[tuple[str, ...]]) -> None:
    columns = ("ID", "EVENT", "X")
    ours, theirs = io.StringIO(), io.StringIO()
    with redirect_stdout(ours):
        printing.write_table(columns, lines)
    table = Table(*columns, box=None, pad_edge=False)
    for line in lines:
        table.add_row(*map(Text, line))
    Console(file=theirs, width=10_000, highlight=False, emoji=False).print(table)
    assert ours.getvalue() == theirs.getvalue()
