"""Event expressions to machines, and their primitives to Python functions that match one event.

A matcher is given the event and returns what it binds and captured, or in words why it does not match. It
stands inside the ruleset's function, so that `where` sees globals and `ent:`.
"""

from __future__ import annotations

import ast

from picosched.krl import syntax
from picosched.krl.compiler.actions import ActionCompiler
from picosched.krl.compiler.code import (
    Binding,
    Block,
    assign,
    attribute,
    branch,
    call,
    constant,
    define,
    grouped,
    listed,
    load,
    mapped,
    part_of,
    store,
)
from picosched.krl.compiler.weight import counted_steps
from picosched.krl.event_expression import (
    AnyOrder,
    Count,
    EventExpression,
    InOrder,
    NotBetween,
    Or,
    Pattern,
    Primitive,
    Within,
)
from picosched.krl.names import settings_of

EVENT, ATTRS, GATHERED = ".event", ".attrs", ".gathered"


class EventCompiler(ActionCompiler):
    """Compiles the `select` of rules; `matchers` and `limits` name the functions of the rule at hand."""

    settings: list[str]
    """The names bound by the rule's event expression."""
    matchers: list[str]
    limits: list[str]

    def select(self, event: syntax.EventExpression) -> EventExpression:
        """The machine of a rule; its primitives and limits are emitted into the block."""
        self.matchers, self.limits, self.settings = [], [], settings_of(event)
        limit = None
        if isinstance(event, syntax.EventWithin):
            limit = self._limit(event.within)
            event = event.event
        return EventExpression(self._pattern(event), limit)

    def _pattern(self, event: syntax.EventExpression) -> Pattern:
        match event:
            case syntax.EventPrimitive():
                return Primitive(f"{event.domain}:{event.type}", self._matcher(event, event.where))
            case syntax.AnyEvent():
                return Primitive("*", self._matcher(event, event.where))
            case syntax.EventGroup():
                parts = [self._pattern(operand) for operand in event.operands]
                if event.operator == "any":
                    return AnyOrder(parts, event.number)
                return Count(
                    parts[0],
                    event.number,
                    repeats=event.operator == "repeat",
                    aggregator=event.aggregator,
                    names=event.setting,
                )
            case syntax.EventWithin():
                return Within(self._pattern(event.event), self._limit(event.within))
            case syntax.EventOperation():
                return self._operation(event)
        raise AssertionError(event)

    def _operation(self, event: syntax.EventOperation) -> Pattern:
        parts = [self._pattern(operand) for operand in event.operands]
        match event.operator:
            case "or":
                return Or(parts)
            case "and":
                return AnyOrder(parts, len(parts))
            case "before":
                return InOrder(parts)
            case "after":
                return InOrder(parts[::-1])
            case "then":
                return InOrder(parts, strict=True)
            case "between":
                inner, first, last = parts
                return InOrder([first, inner, last])
        return NotBetween(*parts)

    def _limit(self, within: syntax.Within) -> int:
        name = self.code.fresh(".limit")
        body: list[ast.stmt] = [self.code.at(within, ast.Return(value=self.within(within)))]
        body = counted_steps(body, leaf=True)
        self.block.statements.append(self.code.at(within, define(name, (), (), body)))
        self.limits.append(name)
        return len(self.limits) - 1

    def _matcher(
        self, event: syntax.EventPrimitive | syntax.AnyEvent, where: syntax.Expression | None
    ) -> int:
        """Emit the function that matches one primitive; returns its number."""
        name = self.code.fresh(".match")
        self.block = Block(self.block)
        self.block.statements.append(assign(ATTRS, attribute(EVENT, "attrs")))
        captures = self._attributes(event.attributes) if isinstance(event, syntax.EventPrimitive) else []
        setting = event.setting if isinstance(event, syntax.EventPrimitive) else ()
        bound: list[tuple[ast.expr, ast.expr]] = []
        for place, each in enumerate(setting):
            binding = Binding(self.code.fresh(each))
            self.block.names[each] = binding
            value = captures[place] if place < len(captures) else constant(None)
            self.block.statements.append(assign(binding.python, value))
            bound.append((constant(each), load(binding.python)))
        if where is not None:
            self._gathered(set(setting))
            self._where(where)
        matched = grouped([mapped(bound), listed(captures)])
        self.block.statements.append(ast.Return(value=matched))
        block, around = self.block, self.block.around
        assert around is not None
        self.block = around
        self.block.statements.append(
            self.code.at(
                event, define(name, (EVENT, GATHERED), (), counted_steps(block.statements, leaf=True))
            )
        )
        self.matchers.append(name)
        return len(self.matchers) - 1

    def _gathered(self, own: set[str]) -> None:
        """Emit the names that other events of the pattern may have bound, so that `where` can use them."""
        for name in self.settings:
            if name not in own:
                binding = self.block.names[name] = Binding(self.code.fresh(name))
                value = call(ast.Attribute(value=load(GATHERED), attr="get", ctx=ast.Load()), constant(name))
                self.block.statements.append(assign(binding.python, value))

    def _attributes(self, patterns: tuple[syntax.AttributePattern, ...]) -> list[ast.expr]:
        """Emit a search for each pattern; returns the captured groups, in order."""
        captures: list[ast.expr] = []
        for pattern in patterns:
            regex = self.compiled_regex(pattern.pattern)
            found = self.code.fresh(".found")
            kept = self.code.kept(".regex", regex)
            text = call(".attribute_text", load(ATTRS), constant(pattern.name))
            search = call(ast.Attribute(value=kept, attr="search", ctx=ast.Load()), text)
            says = f"the attribute {pattern.name} does not match {regex}"
            self.block.statements.append(self.code.at(pattern, assign(found, search)))
            none = ast.Compare(left=load(found), ops=[ast.Is()], comparators=[constant(None)])
            reason = ast.Return(value=call(".unmatched", load(ATTRS), constant(pattern.name), constant(says)))
            self.block.statements.append(self.code.at(pattern, branch(none, [reason])))
            captures += [part_of(found, group + 1) for group in range(regex.compiled.groups)]
        return captures

    def _where(self, where: syntax.Expression) -> None:
        self.bare_attributes = ATTRS
        watched = self.watch(where)
        for kept in watched.values():  # what a `&&` or `||` does not reach has none
            self.block.statements.append(assign(kept, load(".MISSING")))
        held = self.code.fresh(".held")
        test = ast.NamedExpr(target=store(held), value=self.test(where))
        self.bare_attributes, self.watched = None, {}
        line = self.code.source.place(where.start)[0]
        says: ast.expr = constant(f"its `where` on line {line} is false")
        if watched:
            values = grouped(map(load, watched.values()))
            says = call(".false_where", says, grouped(map(constant, watched)), values)
        reason = ast.Return(value=says)
        failed = ast.UnaryOp(op=ast.Not(), operand=test)
        self.block.statements.append(self.code.at(where, branch(failed, [reason])))
