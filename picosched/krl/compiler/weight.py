"""The number of steps of one run of a body, computed at compile time, and the code that counts them.

A step is about what the call of an operator takes. What else an expression is made of counts a sixteenth,
and an array, map or function that is written out counts for the memory it takes as well. Of two branches
the heavier one counts; where an operation on whole numbers is done in place, the other way, for all else
that may stand there, does not. A function within the body and the passes of a loop count themselves. The
call of a function counts here, for the function may have a way out that counts nothing.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable

from picosched.krl.compiler.code import Quick, assign, attribute, branch, call, constant, load, store
from picosched.krl.compiler.expressions import BUDGET

STEPS, DEPTH = ".steps", ".depth"
"""Where a function keeps what is left of the budget."""

STEP = 16
CALL = STEP
GENERAL_CALL = 4 * STEP
"""Of a function that is known by its value alone."""
WRITTEN_OUT: dict[type[ast.AST], int] = {ast.List: 2 * STEP, ast.Dict: 3 * STEP, ast.FunctionDef: 4 * STEP}


def steps_of(body: Iterable[ast.AST]) -> int:
    """The steps of one run, at least 1."""
    return 1 + _sum(body) // STEP


def _sum(nodes: Iterable[ast.AST]) -> int:
    total = 0
    for node in nodes:  # not sum(map(…)): code may be nested deeper than C's stack bears
        total += _weight(node)
    return total


def _weight(node: ast.AST) -> int:
    own = WRITTEN_OUT.get(type(node), 1)
    match node:
        case ast.FunctionDef():
            return own
        case ast.For():
            return own + _weight(node.iter)
        case Quick():
            return own + _weight(node.test) + _weight(node.body)
        case ast.IfExp():
            return own + _weight(node.test) + max(_weight(node.body), _weight(node.orelse))
        case ast.If():
            return own + _weight(node.test) + max(_sum(node.body), _sum(node.orelse))
        case ast.Call(func=ast.Name(id=name)):
            own = GENERAL_CALL if name in (".call", ".call_filled") else CALL
        case ast.Call():
            own = CALL
    return own + _sum(
        child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr | ast.stmt | ast.keyword)
    )


def counted_steps(body: list[ast.stmt], *, leaf: bool) -> list[ast.stmt]:
    """A function's body with code that counts its steps, and its depth if it may call others.

    Each is read once and kept, for this stands in the way of every call.
    """
    steps = _less("steps", STEPS, steps_of(body))
    none_left = _less_than(STEPS, 0)
    if leaf:
        return [steps, branch(none_left, [_spent()]), *body]
    before = assign(DEPTH, attribute(BUDGET, "depth"))
    deeper = ast.Assign(
        targets=[budget_store("depth")], value=ast.BinOp(left=load(DEPTH), op=ast.Sub(), right=constant(1))
    )
    either = ast.BoolOp(op=ast.Or(), values=[none_left, _less_than(DEPTH, 1)])
    back = ast.Assign(targets=[budget_store("depth")], value=load(DEPTH))
    inside = [branch(either, [_spent()]), *body]
    return [steps, before, deeper, ast.Try(body=inside, handlers=[], orelse=[], finalbody=[back])]


def budget_store(name: str) -> ast.Attribute:
    return ast.Attribute(value=load(BUDGET), attr=name, ctx=ast.Store())


def _less(name: str, kept: str, amount: int) -> ast.stmt:
    """Take from the budget, and keep what is left."""
    left = ast.BinOp(left=attribute(BUDGET, name), op=ast.Sub(), right=constant(amount))
    return ast.Assign(targets=[budget_store(name), store(kept)], value=left)


def _less_than(name: str, least: int) -> ast.expr:
    return ast.Compare(left=load(name), ops=[ast.Lt()], comparators=[constant(least)])


def _spent() -> ast.stmt:
    return ast.Expr(value=call(ast.Attribute(value=load(BUDGET), attr="spent", ctx=ast.Load())))
