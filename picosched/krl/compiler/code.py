"""Python syntax trees, built small piece by small piece, each with its place in the KRL text.

The names of generated code: a KRL name keeps its name, with a suffix `.1`, `.2` … where it shadows another;
all that is ours starts with a dot. No KRL name can hold a dot, so the two never meet, and Python's parser,
which would refuse such names, never sees the code.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from picosched.krl import syntax
from picosched.krl.source import Source

Code_ = TypeVar("Code_", bound=ast.AST)

# Python will not have these as variables.
_TAKEN = frozenset(("None", "True", "False", "__debug__"))


def load(name: str) -> ast.Name:
    return ast.Name(id=name, ctx=ast.Load())


def store(name: str) -> ast.Name:
    return ast.Name(id=name, ctx=ast.Store())


def constant(value: str | float | None) -> ast.expr:
    return ast.Constant(value=value)


def call(function: str | ast.expr, *arguments: ast.expr, **named: ast.expr) -> ast.Call:
    callee = load(function) if isinstance(function, str) else function
    keywords = [ast.keyword(arg=name, value=value) for name, value in named.items()]
    return ast.Call(func=callee, args=list(arguments), keywords=keywords)


def attribute(of: str, name: str) -> ast.expr:
    return ast.Attribute(value=load(of), attr=name, ctx=ast.Load())


def assign(name: str, value: ast.expr) -> ast.stmt:
    return ast.Assign(targets=[store(name)], value=value)


class Quick(ast.IfExp):
    """A test for the common case, which is done in place, and the general way for all else."""


def listed(items: Iterable[ast.expr]) -> ast.expr:
    return ast.List(elts=list(items), ctx=ast.Load())


def grouped(items: Iterable[ast.expr]) -> ast.expr:
    return ast.Tuple(elts=list(items), ctx=ast.Load())


def mapped(entries: Iterable[tuple[ast.expr, ast.expr]]) -> ast.expr:
    pairs = list(entries)
    return ast.Dict(keys=[key for key, _ in pairs], values=[value for _, value in pairs])


def is_class(value: ast.expr, *classes: ast.expr) -> ast.expr:
    """Whether a value is of the last of these classes; there is one more test for each before it."""
    return ast.Compare(left=class_of(value), ops=[ast.Is() for _ in classes], comparators=list(classes))


def class_of(value: ast.expr) -> ast.expr:
    return ast.Attribute(value=value, attr="__class__", ctx=ast.Load())


def part_of(name: str, place: int) -> ast.expr:
    return ast.Subscript(value=load(name), slice=constant(place), ctx=ast.Load())


def branch(test: ast.expr, then: list[ast.stmt], otherwise: list[ast.stmt] | None = None) -> ast.stmt:
    return ast.If(test=test, body=then or [ast.Pass()], orelse=otherwise or [])


def define(
    name: str, parameters: Sequence[str], defaults: Sequence[ast.expr], body: list[ast.stmt]
) -> ast.FunctionDef:
    """`def`: every parameter has a default if any is given."""
    arguments = ast.arguments(
        posonlyargs=[],
        args=[ast.arg(arg=parameter) for parameter in parameters],
        kwonlyargs=[],
        kw_defaults=[],
        defaults=list(defaults),
    )
    return ast.FunctionDef(name=name, args=arguments, body=body or [ast.Pass()], decorator_list=[])


@dataclass(slots=True)
class Binding:
    """The representation of a KRL name in the generated code."""

    python: str
    kind: str = "value"
    """value, function or action"""
    parameters: tuple[syntax.Parameter, ...] | None = None
    """Of a function that is declared by this name, so that it can be called directly."""


@dataclass(slots=True)
class Block:
    """One KRL scope during compilation: its names, and the statements emitted so far."""

    around: Block | None = None
    names: dict[str, Binding] = field(default_factory=dict)
    statements: list[ast.stmt] = field(default_factory=list)

    def find(self, name: str) -> Binding | None:
        block: Block | None = self
        while block is not None:
            if name in block.names:
                return block.names[name]
            block = block.around
        return None


class Code:
    """Shared state of a ruleset's compilation: the source, the constants, fresh names."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.constants: dict[str, object] = {}
        """Maps Python names to values, in the globals of the generated code."""
        self._counts: dict[str, int] = {}

    def fresh(self, name: str) -> str:
        """A Python name for a KRL name, used nowhere else."""
        count = self._counts.get(name, 0)
        self._counts[name] = count + 1
        return f"{name}.{count}" if count or name in _TAKEN else name

    def kept(self, prefix: str, value: object) -> ast.expr:
        """A constant of the generated code."""
        name = self.fresh(prefix)
        self.constants[name] = value
        return load(name)

    def at(self, node: syntax.Node, code: Code_) -> Code_:
        """Set the position of code in the text; Python counts columns in UTF-8 bytes."""
        line, column = self.source.place(node.start)
        end_line, end_column = self.source.place(node.end)
        code.lineno = line  # type: ignore[attr-defined]
        code.col_offset = self._bytes(line, column)  # type: ignore[attr-defined]
        code.end_lineno = end_line  # type: ignore[attr-defined]
        code.end_col_offset = self._bytes(end_line, end_column)  # type: ignore[attr-defined]
        if isinstance(code, ast.Call) and isinstance(code.func, ast.Attribute):
            # Python has a call of a method begin on the line where the method's name ends.
            name = ast.copy_location(code.func, code)
            name.end_lineno, name.end_col_offset = name.lineno, name.col_offset
        return code

    def _bytes(self, line: int, column: int) -> int:
        if self.source.text.isascii():
            return column - 1
        return len(self.source.line(line)[: column - 1].encode("utf-8", "surrogatepass"))
