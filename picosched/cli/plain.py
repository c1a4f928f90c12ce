"""Reads a plain command line by the declarations of its command, without Typer.

Plain means: long options, or short ones by themselves, each at most once unless it is a list; numbers in
digits; nothing wrong. For any other line `read` gives None, and Typer reads it (`full`): so only Typer shows
help and finds errors. `tests/cli/test_plain.py` compares the two.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Literal, Union, get_args, get_origin

from picosched.cli.declared import Argument

NUMBER = re.compile(r"-?[0-9]{1,15}", re.ASCII)
FRACTION = re.compile(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", re.ASCII)


class NotPlainError(Exception):
    """Typer has to read this line."""


class Parameter:
    """An option or argument of a command."""

    def __init__(self, name: str, annotation: Any, default: Any) -> None:
        self.name = name
        self.default = default
        self.required = default is inspect.Parameter.empty
        kind, self.declared = get_args(annotation)
        if get_origin(kind) in (Union, UnionType):
            (kind,) = (each for each in get_args(kind) if each is not NoneType)
        self.many = get_origin(kind) is list
        self.words = len(get_args(kind)) if get_origin(kind) is tuple else 1
        """How many words it takes; they are of one kind."""
        self.kind = get_args(kind)[0] if self.many or self.words > 1 else kind

    def value(self, text: str) -> Any:
        """A value of its kind; NotPlainError if only Typer knows what to make of the text."""
        if not text or text.startswith("-"):
            raise NotPlainError
        kind = self.kind
        if kind is str:
            return text
        if kind is Path:
            return Path(text)
        if kind is int and NUMBER.fullmatch(text):
            return self._within(int(text))
        if kind is float and FRACTION.fullmatch(text):
            return self._within(float(text))
        if get_origin(kind) is Literal and text in get_args(kind):
            return text
        if isinstance(kind, type) and issubclass(kind, Enum) and text in [each.value for each in kind]:
            return kind(text)
        raise NotPlainError

    def _within(self, number: float) -> float:
        more = self.declared.more
        if not more.get("min", number) <= number <= more.get("max", number):
            raise NotPlainError
        return number


def read(function: Callable[..., None], words: Sequence[str]) -> dict[str, Any] | None:
    """The values of a command's parameters; None if the words are not plain."""
    try:
        return _read(parameters_of(function), words)
    except NotPlainError:
        return None


def parameters_of(function: Callable[..., None]) -> list[Parameter]:
    """The options and arguments that a command declares."""
    signature = inspect.signature(function, eval_str=True)
    return [Parameter(each.name, each.annotation, each.default) for each in signature.parameters.values()]


def _read(parameters: Sequence[Parameter], words: Sequence[str]) -> dict[str, Any]:
    options = _options(parameters)
    given: dict[str, list[Any]] = {}
    free = []
    rest = iter(words)
    for word in rest:
        if not word.startswith("-"):
            free.append(word)
            continue
        name, equals, text = word.partition("=")
        parameter, flag = options.get(name, (None, None))
        is_short = not name.startswith("--")
        if parameter is None or (equals and (flag is not None or is_short or parameter.words > 1)):
            raise NotPlainError
        value: Any
        if parameter.words > 1:
            value = tuple(parameter.value(next(rest, "")) for _ in range(parameter.words))
        else:
            value = flag if flag is not None else parameter.value(text if equals else next(rest, ""))
        given.setdefault(parameter.name, []).append(value)
    _take(free, [each for each in parameters if isinstance(each.declared, Argument)], given)
    return {each.name: _given(each, given.get(each.name)) for each in parameters}


def _options(parameters: Sequence[Parameter]) -> Mapping[str, tuple[Parameter, bool | None]]:
    """Names of options → the option, and for a flag the value that this name stands for."""
    found: dict[str, tuple[Parameter, bool | None]] = {}
    for each in parameters:
        if isinstance(each.declared, Argument):
            continue
        for names in each.declared.names or (f"--{each.name.replace('_', '-')}",):
            name, _, contrary = names.partition("/")
            found[name] = (each, True if each.kind is bool else None)
            if contrary:
                found[contrary] = (each, False)
    return found


def _take(free: list[str], arguments: Sequence[Parameter], given: dict[str, list[Any]]) -> None:
    """Give each argument its word, a last one that is a list all that are left."""
    for place, each in enumerate(arguments):
        last = place == len(arguments) - 1
        if each.many and not last:
            raise NotPlainError
        taken = free[place:] if each.many else free[place : place + 1]
        if taken:
            given[each.name] = [each.value(word) for word in taken]
    if len(free) > len(arguments) and not (arguments and arguments[-1].many):
        raise NotPlainError


def _given(parameter: Parameter, values: list[Any] | None) -> Any:
    if values is None:
        if parameter.required:
            raise NotPlainError
        return parameter.default
    if parameter.many:
        return values
    if len(values) > 1:
        raise NotPlainError
    return values[0]
