"""What one ruleset selects and raises, as far as its text tells: the nodes of the whole graph.

An `Outline` depends on the text alone, so it is made once for a text, however many picos have it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from picosched.check.given import Given, given_by
from picosched.check.subject import Subject
from picosched.errors import Span
from picosched.krl import syntax
from picosched.krl.grammar import parse
from picosched.krl.resolver import resolve
from picosched.krl.source import source_of
from picosched.krl.walk import walk
from picosched.schedule.steering import IF_EXISTS, NAME
from picosched.settings import Settings
from picosched.timespec.almanac import PLAIN, Almanac

HARMLESS = frozenset(
    ("csv", "keys", "math", "meta", "random", "schedule", "this2that", "time", "uri", "window")
)
"""The library modules that neither reach another pico nor raise an event."""

ANSWERED = frozenset(("http", "proc"))
"""Those whose answers may be raised as events of any name."""


ENDING = frozenset((NAME, "_count", "_until"))
"""Attributes with which a repeat is not made anew each time, or ends."""


@dataclass(frozen=True, slots=True, eq=False)
class Emission:
    """A statement that raises, schedules or sends an event; equal to itself alone."""

    verb: Literal["raises", "schedules", "sends"]
    rid: str
    rule: str | None
    """None if it stands in an action of `global`, which any rule may run."""
    domain: str | None
    type: str | None
    """Both None where only a run can tell."""
    rids: tuple[str, ...] | None
    """The rulesets it is raised for; None for all, or if only a run can tell."""
    given: Given
    sure: bool
    """Whether it happens each time its rule is selected."""
    at_once: bool
    """Whether it is raised in the same turn or in the next tick."""
    repeats: bool
    """Whether it is scheduled to repeat."""
    ends: bool
    """Whether it may end by itself, or stand in the place of one that was scheduled before."""
    span: Span

    @property
    def event(self) -> str:
        return f"{self.domain or '…'}:{self.type or '…'}"


@dataclass(frozen=True, slots=True)
class OutlineOfRule:
    """What a rule selects and what it raises."""

    rid: str
    name: str
    select: syntax.EventExpression
    selects: tuple[syntax.EventPrimitive | syntax.AnyEvent, ...]
    emissions: tuple[Emission, ...]
    condition: syntax.Expression | None
    """The condition of its actions, if a false one means that nothing happens."""
    cancels: bool
    """Whether it may cancel what is scheduled."""
    span: Span

    @property
    def key(self) -> str:
        return f"{self.rid}/{self.name}"


class Outline:
    """A ruleset as the whole graph sees it."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject
        self.rid = subject.tree.rid
        self.rules = tuple(self._rule(each) for each in subject.rules if each.select is not None)
        found = _sends(subject, None, walk(*subject.tree.globals))
        self.shared: tuple[Emission, ...] = tuple(found)
        """What the actions of `global` send."""

    @property
    def emissions(self) -> Iterator[Emission]:
        yield from self.shared
        for rule in self.rules:
            yield from rule.emissions

    @cached_property
    def modules(self) -> frozenset[str]:
        """The rulesets it uses as modules, by rid."""
        return frozenset(each.rid for each in self.subject.tree.meta if isinstance(each, syntax.UseModule))

    @cached_property
    def reaches_picos(self) -> bool:
        """Whether it may read or change other picos in a way of which the text does not tell more."""
        # One that is no callee may be called later, with any event.
        passed = sum(_is_send(node) for node in self._named)
        sends = sum(each.verb == "sends" for each in self.emissions)
        return passed > sends or any(_reaches_picos(self.subject, node) for node in self.subject.nodes)

    @cached_property
    def is_answered(self) -> bool:
        """Whether answers from outside may come as events of any name."""
        return any(isinstance(node, syntax.Qualified) and node.domain in ANSWERED for node in self._named)

    @property
    def _named(self) -> Iterator[syntax.Node]:
        for node in self.subject.nodes:
            yield node
            if isinstance(node, syntax.Method) and node.domain is not None:
                yield syntax.Qualified(node.domain, node.name)

    def _may_cancel(self, action: syntax.Action) -> bool:
        """Whether it is an action of a module that may cancel, or one of `global`, if any of these is."""
        if isinstance(action.callee, syntax.Qualified):
            return action.callee.domain not in ANSWERED | {"event"}
        return self.subject.meaning(action.callee) is not None and any(
            isinstance(node, syntax.Action) and isinstance(node.callee, syntax.Qualified)
            for node in walk(*self.subject.tree.globals)
        )

    def _rule(self, rule: syntax.Rule) -> OutlineOfRule:
        assert rule.select is not None
        emissions = [*_raised(self.subject, rule), *_sends(self.subject, rule.name, walk(rule))]
        postlude = rule.postlude
        otherwise = postlude is not None and bool(postlude.notfired or postlude.final)
        return OutlineOfRule(
            self.rid,
            rule.name,
            rule.select,
            tuple(_selected(rule.select)),
            tuple(emissions),
            None if otherwise or rule.actions is None else rule.actions.condition,
            any(isinstance(node, syntax.Action) and self._may_cancel(node) for node in walk(rule)),
            self.subject.source.span(rule.start, rule.start + len(rule.name)),
        )


def outline_of(
    text: str, name: str | None = None, almanac: Almanac = PLAIN, settings: Settings | None = None
) -> Outline:
    """The outline of a ruleset. KrlError if the text is not one."""
    source = source_of(text, name)
    tree = parse(source)
    resolved = resolve(tree, source)
    return Outline(Subject(tree, source, resolved.inactive, almanac, settings=settings))


def _selected(
    event: syntax.EventExpression,
) -> Iterator[syntax.EventPrimitive | syntax.AnyEvent]:
    for node in walk(event):
        if isinstance(node, syntax.EventPrimitive | syntax.AnyEvent):
            yield node


def _raised(subject: Subject, rule: syntax.Rule) -> Iterator[Emission]:
    """What the postlude raises and schedules."""
    if rule.postlude is None:
        return
    once = not rule.foreach
    fires = once and (rule.actions is None or rule.actions.condition is None)
    for block, sure in (
        (rule.postlude.fired, fires),
        (rule.postlude.notfired, False),
        (rule.postlude.final, once),
    ):
        for statement in block:
            guarded = isinstance(statement, syntax.Guarded)
            plain = statement.statement if isinstance(statement, syntax.Guarded) else statement
            if isinstance(plain, syntax.Raise | syntax.ScheduleEvent):
                yield _emission(subject, rule.name, plain, sure and not guarded)
            elif isinstance(plain, syntax.Last | syntax.Error):
                sure = False


def _emission(subject: Subject, rule: str, node: syntax.Raise | syntax.ScheduleEvent, sure: bool) -> Emission:
    domain, type = _event(subject, node.domain, node.type)
    given = given_by(subject, node.attributes)
    scheduled = isinstance(node, syntax.ScheduleEvent)
    repeats = isinstance(node, syntax.ScheduleEvent) and node.repeat is not None
    return Emission(
        "schedules" if scheduled else "raises",
        subject.tree.rid,
        rule,
        domain,
        type,
        (subject.tree.rid,) if isinstance(node, syntax.ScheduleEvent) else _rids(subject, node.rids),
        given,
        sure,
        not isinstance(node, syntax.ScheduleEvent) or _is_now(node.at),
        repeats,
        scheduled and (given.others or not (ENDING if repeats else {IF_EXISTS}).isdisjoint(given.values)),
        subject.source.span(node.start, node.end),
    )


def _is_now(at: syntax.Expression | None) -> bool:
    match at:
        case syntax.Call(callee=syntax.Qualified("time", "now"), arguments=()):
            return True
    return False


def _event(subject: Subject, domain: str | None, node: syntax.Expression) -> tuple[str | None, str | None]:
    """The domain and type that a statement names; of each None if only a run can tell."""
    if isinstance(node, syntax.Name) and subject.meaning(node) is None:
        word: str | None = node.id  # a bare word stands for itself
    else:
        word = subject.text(node)
    if domain is not None or word is None:
        return domain, word
    domain, _, word = "".join(word.split()).partition(":")
    return domain, word


def _rids(subject: Subject, node: syntax.Expression | None) -> tuple[str, ...] | None:
    match node:
        case syntax.Qualified(domain="meta", name="rid"):
            return (subject.tree.rid,)
        case syntax.Name(id=name) if subject.meaning(node) is None:
            return (name,)
        case syntax.Literal(value=str(value)):
            return (value,)
    return None


def _sends(subject: Subject, rule: str | None, nodes: Iterable[syntax.Node]) -> Iterator[Emission]:
    """The events sent to picos, which may be this one: the text does not tell whose channel it is."""
    for node in nodes:
        if not isinstance(node, syntax.Action | syntax.Call) or not _is_send(node.callee):
            continue
        options = node.arguments[0].value if node.arguments else None
        entries = dict(_entries(subject, options))
        domain, type = (_text(subject, entries, *names) for names in (("domain",), ("type", "name")))
        if len(node.arguments) > 1 or (isinstance(node, syntax.Action) and node.options):
            domain = type = None  # the classic form
        given = Given({}, others=True)
        if "attrs" in entries and domain is not None:
            given = given_by(subject, entries["attrs"])
        yield Emission(
            "sends",
            subject.tree.rid,
            rule,
            domain,
            type,
            None,
            given,
            False,
            False,
            False,
            False,
            subject.source.span(node.start, node.end),
        )


def _is_send(callee: syntax.Node) -> bool:
    return isinstance(callee, syntax.Qualified) and (callee.domain, callee.name) == ("event", "send")


def _entries(subject: Subject, node: syntax.Expression | None) -> Iterator[tuple[str, syntax.Expression]]:
    meant = None if node is None else subject.meant(node)
    if isinstance(meant, syntax.Map):
        for key, value in meant.entries:
            name = subject.text(key)
            if name is not None:
                yield name, value


def _text(subject: Subject, entries: dict[str, syntax.Expression], *names: str) -> str | None:
    return next((subject.text(entries[name]) for name in names if name in entries), None)


def _reaches_picos(subject: Subject, node: syntax.Node) -> bool:
    match node:
        case syntax.Persistent(kind="app"):
            return True
        case syntax.Qualified(domain=domain, name=name) | syntax.Method(domain=str(domain), name=name):
            if domain in subject.modules and domain != "keys":
                return True
            return domain not in HARMLESS | ANSWERED and (domain != "event" or name == "query")
    return False
