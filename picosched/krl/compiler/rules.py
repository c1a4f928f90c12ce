"""A ruleset to one Python function.

    def ruleset(.scope, .use):
        …globals, modules, matchers, rules…
        return {name: global}, ((rule, (matchers), (limits)), …)

It is run once for each pico that has the ruleset; what it returns are closures over that pico's scope. A
rule is a function of its bindings that returns how many passes fired, how many did not, and whether `last`
ended it.
"""

from __future__ import annotations

import ast
from collections.abc import Sequence
from dataclasses import dataclass

from picosched.errors import KrlError
from picosched.krl import syntax
from picosched.krl.compiler.actions import FIRED
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
    load,
    mapped,
    part_of,
    store,
)
from picosched.krl.compiler.expressions import BUDGET, EFFECTS, RID, SCOPE
from picosched.krl.compiler.statements import COUNT_FIRED, COUNT_NOT, FINAL, StatementCompiler, outcome
from picosched.krl.compiler.weight import budget_store, counted_steps
from picosched.krl.event_expression import EventExpression
from picosched.krl.names import settings_of

MOST_LOOPS = 20
"""Loops of one rule, each within the one before. How many Python itself can nest depends on its version."""

BINDINGS, USE = ".bindings", ".use"


@dataclass(frozen=True, slots=True)
class RuleCode:
    """The part of a compiled rule that all picos share."""

    name: str
    line: int
    select: EventExpression
    condition_line: int | None
    """The line of its actions' condition."""


class RuleCompiler(StatementCompiler):
    """Compiles a whole ruleset."""

    def ruleset(self, tree: syntax.Ruleset) -> tuple[ast.FunctionDef, list[RuleCode]]:
        prologue = self._prologue(tree)
        self._modules(tree.meta)
        self._configure(tree.meta)
        self.declarations([each for each in tree.globals if isinstance(each, syntax.Declaration)])
        exported = mapped((constant(name), self._exported(name)) for name in self.block.names)
        rules: list[RuleCode] = []
        parts: list[ast.expr] = []
        for rule in tree.rules:
            if rule.state == "active" and rule.select is not None:
                code, part = self._rule(rule)
                rules.append(code)
                parts.append(part)
        self.block.statements.append(ast.Return(value=grouped([exported, grouped(parts)])))
        body = [*prologue, *counted_steps(self.block.statements, leaf=True)]
        function = define(".ruleset", (SCOPE, USE), (), body)
        return self.code.at(tree, function), rules

    def body(self, tree: syntax.Function) -> ast.FunctionDef:
        """A standalone expression, as a function of the scope."""
        self.block.statements += self._prologue(None)
        python = self.define_function(tree, "value")
        self.block.statements.append(ast.Return(value=call(python)))
        return self.code.at(tree, define(".body", (SCOPE,), (), self.block.statements))

    def _prologue(self, tree: syntax.Ruleset | None) -> list[ast.stmt]:
        app = constant(f"app:{tree.rid}" if tree else "app:")
        return [
            assign(EFFECTS, attribute(SCOPE, "effects")),
            assign(RID, attribute(SCOPE, "rid")),
            assign(BUDGET, attribute(SCOPE, "budget")),
            assign(".app", app),
        ]

    def _exported(self, name: str) -> ast.expr:
        binding = self.block.names[name]
        if binding.kind == "action":
            return call(".Action", constant(name), load(binding.python))
        return load(binding.python)

    def _modules(self, meta: Sequence[syntax.Node]) -> None:
        """Emit the ruleset's keys, and the modules that it uses.

        Modules without a configuration come first: they may provide the keys in that of the others.
        """
        keys = [each for each in meta if isinstance(each, syntax.Key)]
        if keys:
            entries = mapped((constant(each.name), self.expression(each.value)) for each in keys)
            own = self.code.at(keys[0], call(".own_keys", load(SCOPE), entries))
            self.block.statements.append(self.code.at(keys[0], ast.Expr(value=own)))
        used = [each for each in meta if isinstance(each, syntax.UseModule)]
        for each in sorted(used, key=lambda each: bool(each.config)):
            alias = each.alias or each.rid
            python = self.code.fresh(f".module:{alias}")
            config = mapped((constant(item.name), self.expression(item.value)) for item in each.config)
            provided = self.code.at(each, call(USE, constant(each.rid), config))
            self.block.statements.append(self.code.at(each, assign(python, provided)))
            self.aliases[alias] = each.rid, python

    def _configure(self, meta: Sequence[syntax.Node]) -> None:
        for each in meta:
            if isinstance(each, syntax.Configure):
                for item in each.defaults:
                    python = self.code.fresh(item.name)
                    given = call(
                        ast.Attribute(value=attribute(SCOPE, "config"), attr="get", ctx=ast.Load()),
                        constant(item.name),
                        load(".MISSING"),
                    )
                    missing = ast.Compare(left=load(python), ops=[ast.Is()], comparators=[load(".MISSING")])
                    default = assign(python, self.expression(item.value))
                    self.block.statements.append(self.code.at(item, assign(python, given)))
                    self.block.statements.append(self.code.at(item, branch(missing, [default])))
                    self.block.names[item.name] = Binding(python)

    # ---- rules ------------------------------------------------------------------------------------

    def _rule(self, rule: syntax.Rule) -> tuple[RuleCode, ast.expr]:
        assert rule.select is not None
        if len(rule.foreach) > MOST_LOOPS:
            beyond = rule.foreach[MOST_LOOPS]
            raise KrlError(
                f"found {len(rule.foreach)} `foreach` in one rule, wanted at most {MOST_LOOPS}",
                self.code.source.span(beyond.start, beyond.end),
            )
        select = self.select(rule.select)
        matchers = grouped(load(name) for name in self.matchers)
        limits = grouped(load(name) for name in self.limits)
        python = self.code.fresh(f".rule:{rule.name}")
        self.block = Block(self.block)
        self._bind_settings(rule.select)
        self._start(rule)
        self._pass(rule, list(rule.foreach), 0)
        self.block.statements.append(outcome(last=False))
        block, around = self.block, self.block.around
        assert around is not None
        self.block = around
        body = counted_steps(block.statements, leaf=True)
        self.block.statements.append(self.code.at(rule, define(python, (BINDINGS,), (), body)))
        condition = rule.actions.condition if rule.actions else None
        line = self.code.source.place(condition.start)[0] if condition else None
        code = RuleCode(rule.name, self.code.source.place(rule.start)[0], select, line)
        return code, grouped([load(python), matchers, limits])

    def _bind_settings(self, select: syntax.EventExpression) -> None:
        for name in settings_of(select):
            binding = Binding(self.code.fresh(name))
            self.block.names[name] = binding
            value = call(ast.Attribute(value=load(BINDINGS), attr="get", ctx=ast.Load()), constant(name))
            self.block.statements.append(assign(binding.python, value))

    def _start(self, rule: syntax.Rule) -> None:
        for name, value in ((COUNT_FIRED, 0), (COUNT_NOT, 0), (FINAL, not rule.foreach)):
            self.block.statements.append(self.code.at(rule, assign(name, constant(value))))

    def _pass(self, rule: syntax.Rule, loops: list[syntax.Foreach], depth: int) -> None:
        """Emit one pass, within what loops are left around it."""
        if not loops:
            self._once(rule)
            return
        loop = loops[0]
        items, place = f".items{depth}", f".place{depth}"
        names = [Binding(self.code.fresh(name)) for name in loop.setting[:2]]
        over = self.code.at(loop, call(".passes", self.expression(loop.over)))
        self.block.statements.append(self.code.at(loop, assign(items, over)))
        self.block.names.update(zip(loop.setting, names, strict=False))
        value, key = ([each.python for each in names] + [".value", ".key"][len(names) :])[:2]
        around, self.block.statements = self.block.statements, []
        if depth + 1 == len(rule.foreach):
            last = [
                ast.Compare(left=load(f".place{i}"), ops=[ast.Eq()], comparators=[part_of(f".items{i}", 0)])
                for i in range(depth + 1)
            ]
            final: ast.expr = last[0] if len(last) == 1 else ast.BoolOp(op=ast.And(), values=list(last))
            self.block.statements.append(self.code.at(loop, assign(FINAL, final)))
        self._pass(rule, loops[1:], depth + 1)
        # What a pass has built is dropped with the next one.
        built = f".built{depth}"
        around.append(assign(built, attribute(BUDGET, "built")))
        again = ast.Assign(targets=[budget_store("built")], value=load(built))
        body = [again, *counted_steps(self.block.statements, leaf=True)]
        self.block.statements = around
        pair = ast.Tuple(elts=[store(value), store(key)], ctx=ast.Store())
        target = ast.Tuple(elts=[store(place), pair], ctx=ast.Store())
        counted = call(".enumerate", part_of(items, 1), constant(1))
        self.block.statements.append(
            self.code.at(loop, ast.For(target=target, iter=counted, body=body, orelse=[]))
        )

    def _once(self, rule: syntax.Rule) -> None:
        """Emit prelude, condition and actions, postlude."""
        self.declarations(rule.prelude)
        notfired = [_one_more(COUNT_NOT)]
        if rule.actions:
            watched = self.watch(rule.actions.condition) if rule.actions.condition else {}
            self.action_block(rule.actions)
            self.watched = {}
            if watched:
                saw = ast.Attribute(value=load(EFFECTS), attr="saw", ctx=ast.Load())
                values = grouped(map(load, watched.values()))
                notfired.append(ast.Expr(value=call(saw, grouped(map(constant, watched)), values)))
        else:
            self.block.statements.append(self.code.at(rule, assign(FIRED, constant(True))))
        self.block.statements.append(
            self.code.at(rule, branch(load(FIRED), [_one_more(COUNT_FIRED)], notfired))
        )
        if rule.postlude:
            self.begin_names((*rule.postlude.fired, *rule.postlude.notfired), rule.postlude)
            fired, notfired = self.statements(rule.postlude.fired), self.statements(rule.postlude.notfired)
            if fired or notfired:
                self.block.statements.append(
                    self.code.at(rule.postlude, branch(load(FIRED), fired, notfired))
                )
            self.block.statements += self.statements(rule.postlude.final)


def _one_more(name: str) -> ast.stmt:
    return ast.AugAssign(target=store(name), op=ast.Add(), value=constant(1))
