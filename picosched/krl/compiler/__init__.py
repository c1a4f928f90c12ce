"""A tree becomes Python that runs.

A ruleset compiles to one Python function with the file name, lines and columns of its KRL text, so that a
Python traceback points into the text and `located` finds the exact span of an error without any cost while
rules run.
"""

from __future__ import annotations

import ast
import linecache
import sys
from collections.abc import Callable
from typing import Any

from picosched.errors import KrlError
from picosched.krl import syntax
from picosched.krl.compiler.code import Code
from picosched.krl.compiler.rules import RuleCode, RuleCompiler
from picosched.krl.compiler.runtime import RUNTIME
from picosched.krl.source import Source

# A KRL call is one Python frame, a call through an operator three; the budget of depth ends a recursion long
# before this does. Frames of Python functions take no C stack.
FRAMES = 20_000


def compile_tree(tree: syntax.Ruleset, source: Source) -> tuple[Callable[..., Any], list[RuleCode]]:
    """The function of a ruleset whose names are resolved, and its rules."""
    code = Code(source)
    function, rules = RuleCompiler(code).ruleset(tree)
    return _made(function, code), rules


def compile_body(tree: syntax.Function, source: Source) -> Callable[..., Any]:
    """The function of an expression that stands alone."""
    code = Code(source)
    return _made(RuleCompiler(code).body(tree), code)


def _made(function: ast.FunctionDef, code: Code) -> Callable[..., Any]:
    source = code.source
    sys.setrecursionlimit(max(sys.getrecursionlimit(), FRAMES))
    module = ast.fix_missing_locations(ast.Module(body=[function], type_ignores=[]))
    try:
        compiled = compile(module, source.name, "exec")
    except RecursionError as cause:
        raise KrlError("found forms nested too deep to compile", source.span(0, 0)) from cause
    namespace: dict[str, Any] = {**RUNTIME, **code.constants, ".source": source}
    exec(compiled, namespace)
    # Tracebacks show the KRL line.
    linecache.cache[source.name] = (len(source.text), None, source.text.splitlines(keepends=True), source.name)
    made: Callable[..., Any] = namespace[function.name]
    return made


def located(error: BaseException) -> KrlError:
    """The error as a KrlError with the span of the KRL that was running, taken from its traceback."""
    if isinstance(error, KrlError):
        krl = error
    elif isinstance(error, NameError) and error.name:
        krl = KrlError(f"{error.name.partition('.')[0]} has no value yet: it is declared further down")
    elif isinstance(error, RecursionError):
        krl = KrlError("calls are nested too deep", code="too_large")
    elif isinstance(error, MemoryError):
        krl = KrlError("a value is too large for the memory there is", code="too_large")
    else:
        krl = KrlError(f"{type(error).__name__}: {error}", code="internal")
    if krl is not error:
        krl.__cause__ = error
    if krl.span is None:
        traceback = error.__traceback__
        while traceback is not None:
            source = traceback.tb_frame.f_globals.get(".source")
            if source is not None:
                krl.span = _span(source, traceback.tb_frame.f_code.co_positions(), traceback.tb_lasti) or krl.span
            traceback = traceback.tb_next
    return krl


def _span(source: Source, positions: Any, instruction: int) -> Any:
    """Where an instruction stands; Python counts columns in bytes."""
    for index, (line, end_line, column, end_column) in enumerate(positions):
        if index * 2 == instruction and line is not None and column is not None:
            from picosched.errors import Span

            return Span(
                source.name, line, _characters(source, line, column), end_line, _characters(source, end_line, end_column)
            )
    return None


def _characters(source: Source, line: int, column: int) -> int:
    return len(source.line(line).encode("utf-8", "surrogatepass")[:column].decode("utf-8", "replace")) + 1
