"""Expressions to Python.

An operator becomes a call of its function, a KRL function a nested `def` that counts its steps, and a call
of a function that is declared by name a plain Python call. Functions written inside an expression are
defined just before the statement that uses them: making one has no effect and needs nothing that is not
there yet.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence

from picosched.errors import KrlError
from picosched.krl import syntax
from picosched.krl.classic import PREDICATES, for_classic
from picosched.krl.compiler.code import (
    Block,
    Code,
    call,
    constant,
    grouped,
    listed,
    load,
    mapped,
    store,
)
from picosched.krl.library import ACTIONS, MODULES, OPERATORS
from picosched.krl.misuse import NO_TIMES, misuse
from picosched.krl.operators import INFIX, PREFIX
from picosched.krl.size import SMALL
from picosched.krl.testing import NAME, testing
from picosched.krl.values import Regex, regex_of

SCOPE, EFFECTS, RID, BUDGET = ".scope", ".effects", ".rid", ".budget"

FEW = 8
"""Parts of a chevron that may come out short."""


class ExpressionCompiler:
    """Compiles expressions; `events` and `rules` build on it."""

    def __init__(self, code: Code, tree: syntax.Ruleset | None = None) -> None:
        self.code = code
        self.tree = tree
        """The ruleset; None for a standalone expression."""
        self.block = Block()
        self.aliases: dict[str, tuple[str, str]] = {}
        """alias → the rid of its module, and the Python name that holds what it provides."""
        """Maps the alias of a used module to the Python variable with the names it provides."""
        self.bare_attributes: str | None = None
        """In `where`: the variable that holds the event's attributes."""

    # ---- values -----------------------------------------------------------------------------------

    def expression(self, node: syntax.Expression) -> ast.expr:
        """The Python expression for a KRL one, with its place."""
        compiled: ast.expr = getattr(self, f"_{type(node).__name__.lower()}")(node)
        return self.code.at(node, compiled)

    def test(self, node: syntax.Expression) -> ast.expr:
        """A Python expression that Python itself may test for truth."""
        compiled = self.expression(node)
        return compiled if _is_boolean(node) else self.code.at(node, call(".truth", compiled))

    def _literal(self, node: syntax.Literal) -> ast.expr:
        return constant(node.value)

    def _regex(self, node: syntax.Regex) -> ast.expr:
        try:
            return self.code.kept(".regex", self.compiled_regex(node))
        except KrlError as error:
            if self.tree is None or not for_classic(self.tree):
                raise
            return unusable(error.message)

    def compiled_regex(self, node: syntax.Regex) -> Regex:
        try:
            return regex_of(node.pattern, node.flags)
        except KrlError as error:
            raise self.fault(error.message, node) from error

    def _chevron(self, node: syntax.Chevron) -> ast.expr:
        parts = [
            constant(part)
            if isinstance(part, str)
            else self.code.at(part, call(".text", self.expression(part)))
            for part in node.parts
        ]
        if all(isinstance(part, str) for part in node.parts):
            return constant("".join(str(part) for part in node.parts))
        return self._short(parts) or call(".joined", grouped(parts))

    def _short(self, parts: Sequence[ast.expr]) -> ast.expr | None:
        """A chevron with a few values in it, put together in place where it comes out short.

        Its values are kept while their lengths are added up.
        """
        kept: list[ast.expr] = []
        length: ast.expr | None = None
        room = SMALL
        for part in parts:
            if isinstance(part, ast.Constant) and isinstance(part.value, str):
                room -= len(part.value)
                kept.append(part)
                continue
            name = self.code.fresh(".part")
            kept.append(load(name))
            size = call(".len", ast.NamedExpr(target=store(name), value=part))
            length = size if length is None else ast.BinOp(left=length, op=ast.Add(), right=size)
        if length is None or room <= 0 or len(parts) > FEW:
            return None
        test = ast.Compare(left=length, ops=[ast.LtE()], comparators=[constant(room)])
        values: list[ast.expr] = [
            each if isinstance(each, ast.Constant) else ast.FormattedValue(value=each, conversion=-1)
            for each in kept
        ]
        return ast.IfExp(test=test, body=ast.JoinedStr(values=values), orelse=call(".joined", grouped(kept)))

    def _array(self, node: syntax.Array) -> ast.expr:
        return listed(self.expression(item) for item in node.items)

    def _map(self, node: syntax.Map) -> ast.expr:
        return mapped((self._key(key), self.expression(value)) for key, value in node.entries)

    def _key(self, key: syntax.Expression) -> ast.expr:
        if isinstance(key, syntax.Literal) and isinstance(key.value, str):
            return constant(key.value)
        return self.code.at(key, call(".text", self.expression(key)))

    def _name(self, node: syntax.Name) -> ast.expr:
        binding = self.block.find(node.id)
        if binding is not None:
            if binding.kind == "action":
                return call(".Action", constant(node.id), load(binding.python))
            return load(binding.python)
        if node.id == NAME and self.tree is not None:
            if f".{NAME}" not in self.code.constants:
                self.code.constants[f".{NAME}"] = testing(self.tree)
            return load(f".{NAME}")
        if self.bare_attributes is not None:
            return call(
                ast.Attribute(value=load(self.bare_attributes), attr="get", ctx=ast.Load()), constant(node.id)
            )
        if node.id in PREDICATES and node.id not in OPERATORS:
            return call(
                self.module_member(syntax.Qualified("time", PREDICATES[node.id]), called=True), load(SCOPE)
            )
        if node.id in OPERATORS:
            operator = self.operator(node.id)
            return call(".bound", load(SCOPE), operator) if OPERATORS[node.id].scoped else operator
        if node.id not in ACTIONS:
            return unusable(f"unknown name {node.id}")
        self.code.constants[f".{node.id}()"] = ACTIONS[node.id].run
        made = ".ActionFunction" if ACTIONS[node.id].kind == "both" else ".Action"
        return call(made, constant(node.id), call(".bound", load(SCOPE), load(f".{node.id}()")))

    def operator(self, name: str) -> ast.expr:
        """An operator as a value or as a callee."""
        python = f".{name}()"
        self.code.constants[python] = OPERATORS[name].run
        return load(python)

    def _qualified(self, node: syntax.Qualified) -> ast.expr:
        if node.domain in self.aliases:
            rid, module = self.aliases[node.domain]
            return call(".provided", load(module), constant(rid), constant(node.domain), constant(node.name))
        if node.domain == "keys":
            return call(".key", load(SCOPE), constant(node.name))
        wrong = misuse(node, "value", self.aliases)
        if wrong is not None:
            return unusable(wrong.message)
        member = MODULES[node.domain][node.name]
        if member.kind == "value":
            return call(self.module_member(node), load(SCOPE))
        function = call(".bound", load(SCOPE), self.module_member(node))
        return call(".Action", constant(node.name), function) if member.kind == "action" else function

    def module_member(self, node: syntax.Qualified, *, called: bool = False) -> ast.expr:
        """What runs for `domain:name`: for its value, or for its call."""
        member = MODULES[node.domain][node.name]
        python = f".{node.domain}:{node.name}{'()' if called else ''}"
        self.code.constants[python] = (member.call or member.run) if called else member.run
        return load(python)

    def _persistent(self, node: syntax.Persistent) -> ast.expr:
        return call(
            ast.Attribute(value=load(EFFECTS), attr="entity", ctx=ast.Load()),
            self.owner(node),
            constant(node.name),
        )

    def owner(self, node: syntax.Persistent) -> ast.expr:
        """The owner of a variable: the ruleset in this pico, or the ruleset in all picos."""
        return load(RID) if node.kind == "ent" else load(".app")

    def _group(self, node: syntax.Group) -> ast.expr:
        return self.expression(node.inner)

    def _member(self, node: syntax.Member) -> ast.expr:
        return call(".path", self.expression(node.receiver), constant(node.name))

    def _index(self, node: syntax.Index) -> ast.expr:
        return call(".index", self.expression(node.receiver), self.expression(node.index))

    def _path(self, node: syntax.Path) -> ast.expr:
        return call(".path", self.expression(node.receiver), self.expression(node.path))

    def _prefix(self, node: syntax.Prefix) -> ast.expr:
        sign = PREFIX[node.operator]
        if isinstance(sign.python, ast.unaryop):
            return ast.UnaryOp(op=sign.python, operand=self.test(node.operand))
        operand = self.expression(node.operand)
        return call(f".prefix {sign.text}", operand) if sign.run else operand

    def _infix(self, node: syntax.Infix) -> ast.expr:
        op = INFIX[node.operator].python
        if isinstance(op, ast.boolop):
            return self._shortcut(node, op)
        general = call(f".{node.operator}", self.expression(node.left), self.expression(node.right))
        return self._quick(node, general) or general

    def _quick(self, node: syntax.Infix, general: ast.expr) -> ast.expr | None:
        """A variable against a literal, the commonest test and step: done in place if the types agree.

        Next to a literal a sum may pass the bound on whole numbers by a little before `add` sees it; it is
        exact all the same.
        """
        right = node.right.value if isinstance(node.right, syntax.Literal) else None
        left = self.block.find(node.left.id) if isinstance(node.left, syntax.Name) else None
        known = {int: ".int", str: ".str"}.get(type(right))
        if left is None or left.kind != "value" or known is None:
            return None
        if type(right) is str and node.operator not in ("==", "!="):
            return None
        if type(right) is int and abs(right) >= 2**31:
            return None
        variable, literal = load(left.python), constant(right)
        match INFIX[node.operator].python:
            case ast.cmpop() as op:
                done: ast.expr = ast.Compare(left=variable, ops=[op], comparators=[literal])
            case ast.operator() as op:
                done = ast.BinOp(left=variable, op=op, right=literal)
            case _:
                return None
        kind = ast.Attribute(value=load(left.python), attr="__class__", ctx=ast.Load())
        test = ast.Compare(left=kind, ops=[ast.Is()], comparators=[load(known)])
        return ast.IfExp(test=test, body=done, orelse=self.code.at(node, general))

    def _shortcut(self, node: syntax.Infix, op: ast.boolop) -> ast.expr:
        """`&&` and `||` return the deciding operand."""
        left, right = self.expression(node.left), self.expression(node.right)
        if _is_boolean(node.left):
            return ast.BoolOp(op=op, values=[left, right])
        kept = self.code.fresh(".kept")
        test = self.code.at(node.left, call(".truth", ast.NamedExpr(target=store(kept), value=left)))
        if isinstance(op, ast.And):
            return ast.IfExp(test=test, body=right, orelse=load(kept))
        return ast.IfExp(test=test, body=load(kept), orelse=right)

    def _conditional(self, node: syntax.Conditional) -> ast.expr:
        return ast.IfExp(
            test=self.test(node.test), body=self.expression(node.then), orelse=self.expression(node.otherwise)
        )

    # ---- classic trails ---------------------------------------------------------------------------

    def _current(self, node: syntax.Current) -> ast.expr:
        return call(".place_of", self._persistent(node.trail), self.expression(node.place))

    def _seen(self, node: syntax.Seen) -> ast.expr:
        trail, pattern = self._persistent(node.trail), self.expression(node.pattern)
        if node.order and node.other:
            return call(".seen_in_order", trail, pattern, constant(node.order), self.expression(node.other))
        within = self.within(node.within) if node.within else constant(None)
        return call(".seen", trail, pattern, call(".clock_seconds", load(SCOPE)), within)

    def _lately(self, node: syntax.Lately) -> ast.expr:
        return unusable(NO_TIMES)

    def within(self, node: syntax.Within) -> ast.expr:
        return self.code.at(node, call(".milliseconds", self.expression(node.amount), constant(node.period)))

    def fault(self, message: str, node: syntax.Node) -> KrlError:
        return KrlError(message, self.code.source.span(node.start, node.end))


def unusable(message: str) -> ast.expr:
    """An error in place of a value, for a name that the resolver only warned of."""
    return call(".unusable", constant(message))


def _is_boolean(node: syntax.Expression) -> bool:
    """Whether the value can only be true or false."""
    match node:
        case syntax.Literal():
            return isinstance(node.value, bool)
        case syntax.Prefix():
            return PREFIX[node.operator].value == "Boolean"
        case syntax.Infix():
            if isinstance(INFIX[node.operator].python, ast.boolop):
                return _is_boolean(node.left) and _is_boolean(node.right)
            return INFIX[node.operator].value == "Boolean"
    return False
