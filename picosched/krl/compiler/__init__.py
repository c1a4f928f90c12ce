"""Compiles a tree to executable Python.

A ruleset compiles to one Python function with the file name, lines and columns of its KRL text, so that a
Python traceback points into the text, and the exact span of an error is found without any cost while rules
run.
"""

from __future__ import annotations

import ast
import linecache
import sys
import weakref
from collections.abc import Callable
from itertools import islice
from types import TracebackType
from typing import Any

from picosched.errors import KrlError, PicoschedError, Span
from picosched.krl import syntax
from picosched.krl.compiler.code import Code
from picosched.krl.compiler.rules import RuleCode, RuleCompiler
from picosched.krl.compiler.runtime import RUNTIME
from picosched.krl.source import Source

# A KRL call is one Python frame, a call through an operator three; the budget of depth ends a recursion long
# before this does. Frames of Python functions take no C stack.
FRAMES = 20_000


def compile_tree(tree: syntax.Ruleset, source: Source) -> tuple[Callable[..., Any], list[RuleCode]]:
    """The compiled function of a ruleset whose names are resolved, and its rules."""
    code = Code(source)
    function, rules = RuleCompiler(code, tree).ruleset(tree)
    return _made(function, code), rules


def compile_body(tree: syntax.Function, source: Source) -> Callable[..., Any]:
    """The compiled function of a standalone expression."""
    code = Code(source)
    return _made(RuleCompiler(code).body(tree), code)


def _made(function: ast.FunctionDef, code: Code) -> Callable[..., Any]:
    source = code.source
    sys.setrecursionlimit(max(sys.getrecursionlimit(), FRAMES))
    module = ast.fix_missing_locations(ast.Module(body=[function], type_ignores=[]))
    try:
        compiled = compile(module, source.name, "exec")
    except SyntaxError as cause:  # Python allows twenty blocks in each other
        raise KrlError("found more nested loops than can be compiled", source.span(0, 0)) from cause
    namespace: dict[str, Any] = {**RUNTIME, **code.constants, ".source": source}
    exec(compiled, namespace)
    # Tracebacks show the KRL line.
    linecache.cache[source.name] = (
        len(source.text),
        None,
        source.text.splitlines(keepends=True),
        source.name,
    )
    made: Callable[..., Any] = namespace[function.name]
    weakref.finalize(made, linecache.cache.pop, source.name, None).atexit = False
    return made


def running(run: Callable[..., Any], *args: Any) -> Any:
    """Run compiled code; any error becomes a KrlError with its position in the text."""
    try:
        return run(*args)
    except KrlError as error:
        place(error, error)
        raise
    except Exception as error:
        found = _as_krl(error)
        place(found, error)
        raise found from error


def _as_krl(error: Exception) -> KrlError:
    if isinstance(error, PicoschedError):
        return KrlError(error.message, code=error.code)
    if isinstance(error, NameError) and error.name:
        return KrlError(f"{error.name.partition('.')[0]} has no value yet: it is declared further down")
    if isinstance(error, RecursionError):
        return KrlError("calls are nested too deep", code="too_large")
    if isinstance(error, MemoryError):
        return KrlError("a value is too large for the memory there is", code="too_large")
    return KrlError(f"{type(error).__name__}: {error}", code="internal")


def place(krl: KrlError, error: BaseException) -> None:
    """Set an error's span from its traceback: the innermost KRL position."""
    traceback = error.__traceback__ if krl.span is None else None
    inside: list[TracebackType] = []
    while traceback is not None:
        if ".source" in traceback.tb_frame.f_globals:
            inside.append(traceback)
        traceback = traceback.tb_next
    for each in reversed(inside):  # the first one mostly has a place, and to find it takes the whole code
        positions = each.tb_frame.f_code.co_positions()
        position = next(islice(positions, each.tb_lasti // 2, None))
        source: Source = each.tb_frame.f_globals[".source"]
        krl.span = _span(source, *position)
        if krl.span is not None:
            krl.text = source.text
            return


def _span(
    source: Source, line: int | None, end_line: int | None, column: int | None, end_column: int | None
) -> Span | None:
    """Python counts columns from 0 and in bytes of UTF-8."""
    if line is None or end_line is None or column is None or end_column is None:
        return None
    start, end = _characters(source, line, column), _characters(source, end_line, end_column)
    return Span(source.name, line, start, end_line, end)


def _characters(source: Source, line: int, column: int) -> int:
    return len(source.line(line).encode("utf-8", "surrogatepass")[:column].decode("utf-8", "replace")) + 1
