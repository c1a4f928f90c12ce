"""Compiles postlude statements. Each requests one effect."""

from __future__ import annotations

import ast
from collections.abc import Sequence

from picosched.krl import syntax
from picosched.krl.compiler.code import Binding, assign, branch, call, constant, grouped, load, mapped
from picosched.krl.compiler.events import EventCompiler
from picosched.krl.compiler.expressions import EFFECTS, SCOPE
from picosched.krl.names import kind_of

FINAL, COUNT_FIRED, COUNT_NOT = ".final", ".fires", ".nots"


class StatementCompiler(EventCompiler):
    """Compiles the statements of a postlude into the current block."""

    def statements(self, statements: tuple[syntax.Statement, ...]) -> list[ast.stmt]:
        """The Python statements of one `{ … }`."""
        around, self.block.statements = self.block.statements, []
        for statement in statements:
            self._statement(statement)
        made, self.block.statements = self.block.statements, around
        return made

    def _statement(self, statement: syntax.Statement) -> None:
        getattr(self, f"_do_{type(statement).__name__.lower()}")(statement)

    def _emit(self, node: syntax.Node, statement: ast.stmt | ast.expr) -> None:
        if isinstance(statement, ast.expr):
            statement = ast.Expr(value=self.code.at(node, statement))
        self.block.statements.append(self.code.at(node, statement))

    def _do_guarded(self, node: syntax.Guarded) -> None:
        guard = node.guard
        test = load(FINAL) if guard.condition is None else self.test(guard.condition)
        self.begin_names((node.statement,), node)
        self._emit(node, branch(test, self.statements((node.statement,))))

    def begin_names(self, statements: Sequence[syntax.Statement], node: syntax.Node) -> None:
        """Emit what names are that statements set which may not run: what they are outside, or null."""
        for statement in statements:
            inner = statement.statement if isinstance(statement, syntax.Guarded) else statement
            name = None
            if isinstance(inner, syntax.ScheduleEvent):
                name = inner.setting
            elif isinstance(inner, syntax.Local) and kind_of(inner.declaration.value) == "value":
                name = inner.declaration.name
            if name and name not in self.block.names:
                outer = self.block.find(name)
                known = outer is not None and outer.kind == "value"
                self._bind(name, node, load(outer.python) if outer and known else constant(None))

    def _bind(self, name: str, node: syntax.Node, value: ast.expr) -> None:
        """Set a local name, anew or again."""
        binding = self.block.names.get(name)
        if binding is None or binding.kind != "value":
            binding = self.block.names[name] = Binding(self.code.fresh(name))
        self._emit(node, assign(binding.python, value))

    def _do_local(self, node: syntax.Local) -> None:
        declaration = node.declaration
        if isinstance(declaration.value, syntax.Function | syntax.Defaction):
            self.declarations((declaration,))
        else:
            self._bind(declaration.name, node, self.expression(declaration.value))

    def _effect(self, verb: str, *arguments: ast.expr, **named: ast.expr) -> ast.expr:
        verbs: ast.expr = load(EFFECTS)
        for name in verb.split("."):
            verbs = ast.Attribute(value=verbs, attr=name, ctx=ast.Load())
        return call(verbs, *arguments, **named)

    def _set_entity(self, node: syntax.Node, target: syntax.Persistent, value: ast.expr) -> None:
        self._emit(node, self._effect("set_entity", self.owner(target), constant(target.name), value))

    def _put(
        self, node: syntax.Node, target: syntax.Persistent, path: syntax.Expression | None, value: ast.expr
    ) -> None:
        """Set a variable, or the value at a path in it."""
        if path is None:
            self._set_entity(node, target, value)
        else:
            self._emit(node, self.of_variable(".set_element", target, self.expression(path), value))

    def _do_assign(self, node: syntax.Assign) -> None:
        self._put(node, node.target, node.path, self.expression(node.value))

    def _do_set(self, node: syntax.Set) -> None:
        value = self.expression(node.value) if node.value else constant(1)  # without a value: a flag
        self._put(node, node.target, node.path, value)

    def _do_count(self, node: syntax.Count) -> None:
        now: syntax.Expression = node.target
        if node.path:
            now = syntax.Path(node.target, node.path, start=node.start, end=node.end)
        step: syntax.Expression = node.step
        if node.operator == "-=":
            step = syntax.Prefix("-", step, start=step.start, end=step.end)
        begin = self.expression(node.begin) if node.begin else load(".MISSING")
        value = self.code.at(node, call(".counted", self.expression(now), self.expression(step), begin))
        self._put(node, node.target, node.path, value)

    def _do_clear(self, node: syntax.Clear) -> None:
        if node.path is None:
            self._set_entity(node, node.target, constant(None))
            return
        self._emit(node, self.of_variable(".clear_element", node.target, self.expression(node.path)))

    def _do_mark(self, node: syntax.Mark) -> None:
        value = self.expression(node.value) if node.value else constant(None)
        clock = call(".clock_seconds", load(SCOPE))
        self._set_entity(node, node.trail, call(".marked", self.expression(node.trail), value, clock))

    def _do_forget(self, node: syntax.Forget) -> None:
        trail = call(".forgotten", self.expression(node.trail), self.expression(node.pattern))
        self._set_entity(node, node.trail, self.code.at(node, trail))

    def _do_raise(self, node: syntax.Raise) -> None:
        rids = constant(None)
        if node.rids:
            bare = isinstance(node.rids, syntax.Name) and self.block.find(node.rids.id) is None
            listed = constant(node.rids.id) if bare else self.expression(node.rids)  # type: ignore[attr-defined]
            rids = self.code.at(node.rids, call(".rids", listed))
        self._emit(node, self._effect("raise_event", *self._event(node), self._attributes_of(node), rids))

    def _do_scheduleevent(self, node: syntax.ScheduleEvent) -> None:
        when = node.at or node.repeat
        assert when is not None
        line = constant(self.code.source.place(node.start)[0])
        given = (self._attributes_of(node), line, self.expression(when), constant(node.repeat is not None))
        made = self._effect("agenda.schedule", *self._event(node), *given)
        if node.setting:
            self._bind(node.setting, node, self.code.at(node, made))
        else:
            self._emit(node, made)

    def _event(self, node: syntax.Raise | syntax.ScheduleEvent) -> list[ast.expr]:
        """The domain and type; `event "domain:type"` gives both in one, as a star argument."""
        if node.domain is None:
            pair = self.code.at(node.type, call(".event_name", self.expression(node.type)))
            return [ast.Starred(value=pair, ctx=ast.Load())]
        return [constant(node.domain), self._event_type(node.type)]

    def _event_type(self, node: syntax.Expression) -> ast.expr:
        """An undefined bare word is a literal."""
        if isinstance(node, syntax.Name) and self.block.find(node.id) is None:
            return constant(node.id)
        if isinstance(node, syntax.Literal) and isinstance(node.value, str):
            return constant(node.value)
        return self.code.at(node, call(".word", self.expression(node)))

    def _attributes_of(self, node: syntax.Raise | syntax.ScheduleEvent) -> ast.expr:
        if node.attributes is None:
            return mapped(())
        return self.code.at(node.attributes, call(".attributes", self.expression(node.attributes)))

    def _do_log(self, node: syntax.Log) -> None:
        self._emit(node, self._effect("log", constant(node.level), self.expression(node.value)))

    def _do_error(self, node: syntax.Error) -> None:
        self._emit(node, self._effect("error", constant(node.level), self.expression(node.value)))
        if node.level == "error":
            self._emit(node, outcome(last=True))

    def _do_last(self, node: syntax.Last) -> None:
        self._emit(node, outcome(last=True))


def outcome(*, last: bool) -> ast.stmt:
    """End a rule, with the passes that fired, those that did not, and whether `last` ended it."""
    return ast.Return(value=grouped([load(COUNT_FIRED), load(COUNT_NOT), constant(last)]))
