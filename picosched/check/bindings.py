"""All names bound in a ruleset, with their values and uses.

The scopes are those of the resolver, which reports unknown names; here an unbound name is ignored.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Literal

from picosched.check.places import Places
from picosched.errors import KrlError
from picosched.krl import syntax
from picosched.krl.pattern import MOST_CAPTURES, regex_of
from picosched.krl.walk import parts

Kind = Literal["global", "configured", "parameter", "captured", "uncaptured", "value", "local"]
"""Of what binds a name. `uncaptured`: the `setting` of an event that captures nothing for it, so that it is
null for ever. `value`: pre, foreach, an aggregator, a function. `local`: a postlude, perhaps in several
places."""


@dataclass(eq=False, slots=True)
class Bound:
    """A bound name."""

    name: str
    kind: Kind
    node: syntax.Node
    """The name in its place."""
    value: syntax.Expression | None = None
    place: int = 0
    """Its place among those that are bound together: `setting(a, b)` cannot leave out `a`."""
    together: list[Bound] = field(default_factory=list)
    owner: Bound | None = None
    """Of a parameter: the function's name, if it was declared with one."""
    called: bool = False
    """It is read where it is called, or shared."""
    passed: bool = False
    """It is read as a value."""

    @property
    def read(self) -> bool:
        return self.called or self.passed

    @property
    def function(self) -> syntax.Function | syntax.Defaction | None:
        """The function that it is declared as."""
        return self.value if isinstance(self.value, syntax.Function | syntax.Defaction) else None


class Frame:
    """The names of one scope, and the scope around it. Of one name there may be several in a row."""

    def __init__(self, around: Frame | None = None) -> None:
        self.around = around
        self.names: dict[str, list[Bound]] = {}

    def find(self, name: str) -> list[Bound]:
        frame: Frame | None = self
        while frame is not None:
            if name in frame.names:
                return frame.names[name]
            frame = frame.around
        return []


class Bindings:
    """The names of a ruleset."""

    def __init__(self, tree: syntax.Ruleset, places: Places, inactive: Collection[str] = ()) -> None:
        self.all: list[Bound] = []
        self.bare: list[tuple[syntax.Name, syntax.EventPrimitive | syntax.AnyEvent]] = []
        """Attributes that a `where` reads by bare name, each with the event it belongs to."""
        self.missed: set[str] = set()
        """Names read where they are not bound, or not yet."""
        self._places = places
        self._inactive = inactive
        self._meanings: dict[int, Bound] = {}
        self._inside: list[Bound] = []
        self._where_of: syntax.EventPrimitive | syntax.AnyEvent | None = None
        self._ruleset(tree)

    def meaning(self, node: syntax.Node) -> Bound | None:
        """What a Name, or the name of a Method, is bound to."""
        return self._meanings.get(id(node))

    # ---- scopes -----------------------------------------------------------------------------------

    def _ruleset(self, tree: syntax.Ruleset) -> None:
        frame = Frame()
        for property in tree.meta:
            if isinstance(property, syntax.Configure):
                self._declarations(property.defaults, frame, "configured")
            elif not isinstance(property, syntax.Shares):
                self._visit(property, frame)
        declarations = [each for each in tree.globals if isinstance(each, syntax.Declaration)]
        self._declarations(declarations, frame, "global")
        for property in tree.meta:
            if isinstance(property, syntax.Shares):
                for name in property.names:
                    self._read(name, name.id, frame, called=True)
        for rule in tree.rules:
            known = len(self.all)
            self._rule(rule, Frame(frame))
            if (
                rule.state == "inactive" or rule.name in self._inactive
            ):  # it may use names bound elsewhere; its own names do not matter
                del self.all[known:]

    def _rule(self, rule: syntax.Rule, frame: Frame) -> None:
        if rule.select is not None:
            self._visit(rule.select, frame)
        for loop in rule.foreach:
            self._visit(loop.over, frame)
            self._settings(loop, loop.setting, frame, "value")
        self._declarations(rule.prelude, frame, "value")
        for part in (rule.actions, rule.postlude):
            if part is not None:
                self._visit(part, frame)

    def _function(self, node: syntax.Function | syntax.Defaction, around: Frame, owner: Bound | None) -> None:
        frame = Frame(around)
        for each in node.parameters:
            if each.default:
                self._visit(each.default, frame)
            name = syntax.Name(each.name, start=each.start, end=each.start + len(each.name))
            self._bind(Bound(each.name, "parameter", name, owner=owner), frame)
        body = Frame(frame)
        if isinstance(node, syntax.Defaction):
            self._declarations(node.configure, body, "configured")
        self._declarations(node.declarations, body, "value")
        if isinstance(node, syntax.Defaction):
            self._visit(node.actions, body)
        if node.result:
            self._visit(node.result, body)

    def _declarations(self, declarations: Sequence[syntax.Declaration], frame: Frame, kind: Kind) -> None:
        """Bind the names of one scope: functions see each other, values only what is above."""
        functions = [(each, self._declare(each, frame, kind)) for each in declarations if _is_function(each)]
        for declaration in declarations:
            if not _is_function(declaration):
                self._visit(declaration.value, frame)
                self._declare(declaration, frame, kind)
        for declaration, bound in functions:
            self._inside.append(bound)
            assert isinstance(declaration.value, syntax.Function | syntax.Defaction)
            self._function(declaration.value, frame, bound)
            self._inside.pop()

    def _declare(self, declaration: syntax.Declaration, frame: Frame, kind: Kind) -> Bound:
        start = declaration.start
        name = syntax.Name(declaration.name, start=start, end=start + len(declaration.name))
        return self._bind(Bound(declaration.name, kind, name, declaration.value), frame)

    def _settings(self, node: syntax.Node, names: Sequence[str], frame: Frame, kind: Kind) -> list[Bound]:
        together: list[Bound] = []
        for place, name in enumerate(self._places.settings(node, names)):
            together.append(self._bind(Bound(name.id, kind, name, None, place, together), frame))
        return together

    def _bind(self, bound: Bound, frame: Frame) -> Bound:
        frame.names.setdefault(bound.name, []).append(bound)
        self.all.append(bound)
        return bound

    # ---- readers ----------------------------------------------------------------------------------

    def _visit(self, node: syntax.Node, frame: Frame) -> None:
        match node:
            case syntax.Name():
                self._read(node, node.id, frame)
            case syntax.Function() | syntax.Defaction():
                self._function(node, frame, None)
            case syntax.Declaration():
                self._visit(node.value, frame)
            case syntax.Call(callee=syntax.Name(id=name)):
                self._read(node.callee, name, frame, called=True)
                self._visit_all(node.arguments, frame)
            case syntax.Method():
                self._visit(node.receiver, frame)
                if node.domain is None:
                    self._read(node, node.name, frame, called=True)
                self._visit_all(node.arguments, frame)
            case syntax.EventPrimitive():
                groups = sum(_groups(each.pattern) for each in node.attributes)
                for bound in self._settings(node, node.setting, frame, "captured")[groups:]:
                    bound.kind = "uncaptured"
                self._where(node, frame)
            case syntax.AnyEvent():
                self._where(node, frame)
            case syntax.EventGroup():
                self._visit_all(node.operands, frame)
                self._settings(node, node.setting, frame, "value")
            case syntax.ActionBlock():
                tests = (node.condition, node.selector)
                self._visit_all([each for each in tests if each is not None], frame)
                self._visit_all(node.actions, frame)
            case syntax.Action():
                self._visit_all((*node.arguments, *node.options), frame)
                if isinstance(node.callee, syntax.Name):
                    self._read(node.callee, node.callee.id, frame, called=True)
                self._settings(node, node.setting, frame, "value")
            case syntax.Local():
                if _is_function(node.declaration):
                    self._declarations([node.declaration], frame, "local")
                else:
                    self._visit(node.declaration.value, frame)
                    self._declare(node.declaration, frame, "local")
            case syntax.Guarded():
                self._visit(node.guard, frame)
                self._visit(node.statement, frame)
            case syntax.ScheduleEvent():
                self._visit_all(parts(node), frame)
                self._settings(node, (node.setting,) if node.setting else (), frame, "local")
            case _:
                self._visit_all(parts(node), frame)

    def _visit_all(self, nodes: Iterable[syntax.Node], frame: Frame) -> None:
        for node in nodes:
            self._visit(node, frame)

    def _where(self, event: syntax.EventPrimitive | syntax.AnyEvent, frame: Frame) -> None:
        if event.where is not None:
            self._where_of = event
            self._visit(event.where, frame)
            self._where_of = None

    def _read(self, node: syntax.Node, name: str, frame: Frame, *, called: bool = False) -> None:
        found = frame.find(name)
        if found:
            self._meanings[id(node)] = found[-1]
        else:
            self.missed.add(name)
        if not found and self._where_of is not None and isinstance(node, syntax.Name) and not called:
            self.bare.append((node, self._where_of))
        for bound in found:
            if bound not in self._inside:  # a function that only calls itself is unused
                bound.called = bound.called or called
                bound.passed = bound.passed or not called


def _is_function(declaration: syntax.Declaration) -> bool:
    return isinstance(declaration.value, syntax.Function | syntax.Defaction)


def _groups(pattern: syntax.Regex) -> int:
    """How many groups a pattern captures; of an invalid one, as many as anybody binds."""
    try:
        return regex_of(pattern.pattern, pattern.flags).compiled.groups
    except KrlError:
        return MOST_CAPTURES
