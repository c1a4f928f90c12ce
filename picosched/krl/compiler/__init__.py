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
from typing import Any

from picosched.errors import KrlError, lines_of
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
    except SyntaxError as cause:  # Python allows few blocks in each other
        raise KrlError("found more nested loops than can be compiled", source.span(0, 0)) from cause
    namespace: dict[str, Any] = {**RUNTIME, **code.constants, ".source": source}
    exec(compiled, namespace)
    # Tracebacks show the KRL line.
    linecache.cache[source.name] = (
        len(source.text),
        None,
        lines_of(source.text),
        source.name,
    )
    made: Callable[..., Any] = namespace[function.name]
    weakref.finalize(made, linecache.cache.pop, source.name, None).atexit = False
    return made
