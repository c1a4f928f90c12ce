"""Expressions to Python.

An operator becomes a call of its function, with Python's own beside it for whole numbers; a KRL function
becomes a nested `def` that counts its steps, and a call of a function that is declared by name a plain Python
call. Functions written inside an expression are defined just before the statement that uses them: making one
has no effect and needs nothing that is not there yet.
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
    Quick,
    call,
    class_of,
    constant,
    grouped,
    is_class,
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

NEAR = 2**30 - 1
"""Up to this Python compares whole numbers in one instruction."""
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
        self.kinds: dict[str, bool] = {}
        """Variables of which it is known in this copy of the code whether they are whole numbers."""
        self.bare_attributes: str | None = None
        """In `where`: the variable that holds the event's attributes."""
        self.watched: dict[int, str] = {}
        """The id of a node → the variable that keeps its value."""

    # ---- values -----------------------------------------------------------------------------------

    def expression(self, node: syntax.Expression) -> ast.expr:
        """The Python expression for a KRL one, with its place."""
        compiled: ast.expr = getattr(self, f"_{type(node).__name__.lower()}")(node)
        if name := self.watched.get(id(node)):
            compiled = ast.NamedExpr(target=store(name), value=compiled)
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
        entity = ast.Attribute(value=load(EFFECTS), attr="entity", ctx=ast.Load())
        return call(entity, self.owner(node), constant(node.name))

    def of_variable(self, run: str, node: syntax.Persistent, *arguments: ast.expr) -> ast.expr:
        """The call of a function that takes a variable first."""
        return call(run, load(EFFECTS), self.owner(node), constant(node.name), *arguments)

    def owner(self, node: syntax.Persistent) -> ast.expr:
        """The owner of a variable: the ruleset in this pico, or the ruleset in all picos."""
        return load(RID) if node.kind == "ent" else load(".app")

    def _group(self, node: syntax.Group) -> ast.expr:
        return self.expression(node.inner)

    def _member(self, node: syntax.Member) -> ast.expr:
        return self._at(node.receiver, constant(node.name))

    def _index(self, node: syntax.Index) -> ast.expr:
        return call(".index", self.expression(node.receiver), self.expression(node.index))

    def _path(self, node: syntax.Path) -> ast.expr:
        return self._at(node.receiver, self.expression(node.path))

    def _at(self, receiver: syntax.Expression, path: ast.expr) -> ast.expr:
        """What is at a path; of a variable, which may be a large map, without reading the whole."""
        if isinstance(receiver, syntax.Persistent):
            return self.of_variable(".element", receiver, path)
        return call(".path", self.expression(receiver), path)

    def _prefix(self, node: syntax.Prefix) -> ast.expr:
        sign = PREFIX[node.operator]
        if isinstance(sign.python, ast.unaryop):
            return ast.UnaryOp(op=sign.python, operand=self.test(node.operand))
        operand = self.expression(node.operand)
        if sign.run and isinstance(operand, ast.Constant) and type(operand.value) is int:
            return constant(sign.run(operand.value))
        return call(f".prefix {sign.text}", operand) if sign.run else operand

    def _infix(self, node: syntax.Infix) -> ast.expr:
        op = INFIX[node.operator].python
        if isinstance(op, ast.boolop):
            return self._shortcut(node, op)
        left, right = self.expression(node.left), self.expression(node.right)
        return self._quick(node, left, right) or self._general(node, left, right)

    def _quick(self, node: syntax.Infix, left: ast.expr, right: ast.expr) -> ast.expr | None:
        """What Python's own operator does in place where the types allow it; None if it may not."""
        op = INFIX[node.operator].python
        if op is None or self._is_other(node.left, left):
            return None
        literal = right.value if isinstance(right, ast.Constant) else None
        if isinstance(literal, str) and isinstance(op, ast.Eq | ast.NotEq):
            first, a = self._twice(left)
            done = ast.Compare(left=a, ops=[op], comparators=[right])
            return Quick(test=is_class(first, load(".str")), body=done, orelse=self._general(node, a, right))
        if self._is_other(node.right, right):
            return None
        if isinstance(left, ast.Constant) and isinstance(right, ast.Constant):
            run = INFIX[node.operator].run
            return constant(run(left.value, right.value)) if run else None
        return self._whole(node, op, left, right)

    def _general(self, node: syntax.Infix, left: ast.expr, right: ast.expr) -> ast.expr:
        return self.code.at(node, call(f".{node.operator}", left, right))

    def _whole(self, node: syntax.Infix, op: ast.AST, left: ast.expr, right: ast.expr) -> ast.expr | None:
        """The same for two whole numbers.

        Next to a literal a sum may pass the bound on whole numbers by a little before `add` sees it; it is
        exact all the same. Any other result that is not near 0 is left to the general function.
        """
        before, after = _literal_of(left), _literal_of(right)
        literal = before if after is None else after
        if literal is None and isinstance(op, ast.Eq | ast.NotEq):
            return None  # two texts as often as not
        if literal is not None and abs(literal) >= NEAR:
            return None
        if (  # one test is enough for both
            after is not None
            and isinstance(op, ast.cmpop)
            and isinstance(left, Quick)
            and _is_arithmetic(node.left)
        ):
            done = ast.Compare(left=left.body, ops=[op], comparators=[right])
            return Quick(test=left.test, body=done, orelse=self._general(node, left.orelse, right))
        (first, a), (second, b) = self._twice(left), self._twice(right)
        unknown = [each for each in (first, second) if not self._is_whole(each)]
        test: ast.expr | None = None
        if unknown:
            test = is_class(unknown[0], *map(class_of, unknown[1:]), load(".int"))
        value: ast.expr
        match op:
            case ast.cmpop():
                value = ast.Compare(left=a, ops=[op], comparators=[b])
            case ast.Mod():  # with the sign of the dividend
                if after is None or after <= 0:
                    return None
                negative = ast.BinOp(left=ast.UnaryOp(op=ast.USub(), operand=a), op=op, right=b)
                value = ast.IfExp(
                    test=ast.Compare(left=a, ops=[ast.GtE()], comparators=[constant(0)]),
                    body=ast.BinOp(left=a, op=op, right=b),
                    orelse=ast.UnaryOp(op=ast.USub(), operand=negative),
                )
            case ast.Add() | ast.Sub() if literal is not None:
                value = ast.BinOp(left=a, op=op, right=b)
            case ast.operator():
                name = self.code.fresh(".result")
                kept = ast.NamedExpr(target=store(name), value=ast.BinOp(left=a, op=op, right=b))
                near = ast.Compare(
                    left=constant(-NEAR), ops=[ast.LtE(), ast.LtE()], comparators=[kept, constant(NEAR)]
                )
                test = ast.BoolOp(op=ast.And(), values=[test, near]) if test else near
                value = load(name)
            case _:
                return None
        return Quick(test=test, body=value, orelse=self._general(node, a, b)) if test else value

    def _is_whole(self, code: ast.expr) -> bool:
        known = isinstance(code, ast.Name) and self.kinds.get(code.id) is True
        return known or _literal_of(code) is not None

    def _is_other(self, node: syntax.Expression, code: ast.expr) -> bool:
        """Whether a value is most likely not a whole number; the general function is right for any."""
        if isinstance(code, ast.Constant):
            return type(code.value) is not int
        if isinstance(code, ast.Name) and self.kinds.get(code.id) is False:
            return True
        if isinstance(node, syntax.Infix) and node.operator in ("+", "-", "*"):
            return isinstance(code, ast.Call)
        others = syntax.Array | syntax.Map | syntax.Regex | syntax.Chevron
        return isinstance(node, others) or _is_boolean(node)

    def _twice(self, value: ast.expr) -> tuple[ast.expr, ast.expr]:
        """A value that is used twice, and evaluated only where it is used first."""
        if isinstance(value, ast.Name | ast.Constant):
            return value, value
        kept = self.code.fresh(".operand")
        return ast.NamedExpr(target=store(kept), value=value), load(kept)

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
    """An error in place of a value that the resolver only warned about."""
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


def _is_arithmetic(node: syntax.Expression) -> bool:
    return isinstance(node, syntax.Infix) and isinstance(INFIX[node.operator].python, ast.operator)


def _literal_of(value: ast.expr) -> int | None:
    """The whole number that is written out."""
    return value.value if isinstance(value, ast.Constant) and type(value.value) is int else None
