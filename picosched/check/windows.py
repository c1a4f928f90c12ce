"""Windows: whether they open and close, whether they are used, and whether used ones exist.

A window may also stand in the settings of the engine that will run the ruleset, or be made by people, which
nobody knows here: a name that the ruleset does not declare is a warning.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from picosched.check.subject import Subject
from picosched.errors import PicoschedError
from picosched.krl import syntax
from picosched.krl.library import near
from picosched.krl.ruleset import primitives
from picosched.krl.values import to_string
from picosched.krl.windows import DOMAIN, EDGES, Edges, constant, follows, variable, windows_of
from picosched.schedule.steering import WINDOW
from picosched.schedule.window import Window
from picosched.timespec.timespec import Timespec
from picosched.timespec.zone import check_zone

MADE = "`picosched add-window` makes one for all rulesets"


def look_at_windows(subject: Subject) -> None:
    declared = {each.name: each for each in windows_of(subject.tree)}
    configured = {each.name for each in subject.settings.windows}
    for each in declared.values():
        _look_at(subject, each)
    used: set[str] = set()
    any_used = False
    for node in _asked(subject):
        name = None if node is None else _name(subject, node)
        if name is None:
            any_used = True  # which it is, only the rule knows
        elif node is not None:
            used.add(name)
            if name not in declared and name not in configured:
                _unknown(subject, name, {*declared, *configured}, node)
    events = [*_edges(subject)]
    for event in events:
        named = any(each.name == "name" for each in event.attributes)
        if declared and named and not any(follows([event], name) for name in {*declared, *configured}):
            said = f"no window of this ruleset has such a name; {MADE}"
            subject.say("W406", said, event)
    for each in declared.values():
        if not any_used and each.name not in used and not follows(events, each.name):
            said = f"nothing queries the window {each.name}, selects its edges or ties a schedule to it"
            subject.say("W107", said, each)


def _look_at(subject: Subject, node: syntax.Window) -> None:
    zone = _zone(subject, node.zone)
    opens, closes = _timespec(subject, node.opens, zone), _timespec(subject, node.closes, zone)
    if opens is None or closes is None:
        return
    window = Window(node.name, opens, closes)
    if window.never_opens:
        said = f"the window {node.name} never opens: each opening coincides with a closing"
        subject.say("E307", said, node)
    elif window.never_closes:
        subject.say("W407", f"the window {node.name} never closes once it is open", node)


def _zone(subject: Subject, node: syntax.Expression | None) -> str:
    found = None if node is None else _known(node)
    if node is None or found is None or not isinstance(found[0], str):
        return "UTC"
    try:
        check_zone(found[0])
    except PicoschedError as error:
        subject.say("E305", error.message, node)
        return "UTC"
    return found[0]


def _timespec(subject: Subject, node: syntax.Expression, zone: str) -> Timespec | None:
    found = _known(node)
    if found is None or not isinstance(found[0], str | dict):  # the resolver reports it
        return None
    timespec = subject.timespec(found[0], zone, node)
    if timespec is not None and timespec.open:
        said = f'"{timespec.text}" needs a start, or an id, and a window gives it none'
        subject.say("W411", f"{said}: it counts from 1970-01-01, and H is the same for all", node)
    return timespec


def _known(node: syntax.Expression) -> tuple[Any] | None:
    """The value of a literal, or the default of an entity variable."""
    named = variable(node)
    return constant(node) if named is None else None if named.default is None else (named.default,)


def _unknown(subject: Subject, name: str, known: set[str], node: syntax.Expression) -> None:
    where = "this ruleset or the settings" if subject.knows_settings else "this ruleset"
    close = near(name, sorted(known))
    hint = f"did you mean {' or '.join(close)}?" if close else MADE
    subject.say("W406", f"there is no window {name} in {where}; {hint}", node)


@dataclass(frozen=True, slots=True, eq=False)
class WindowsOf:
    """What a ruleset has to do with windows, as far as its text tells."""

    asked: frozenset[str] = frozenset()
    """The names of those that it asks for, or ties a schedule to."""
    declared: frozenset[str] = frozenset()
    """The names of its own, which hide others of these names."""
    edges: Edges = field(default_factory=Edges)
    """The edges that its rules select."""

    def depends_on(self, name: str) -> bool:
        """Whether it asks for a window that all rulesets see, ties schedules to it or selects its edges."""
        return name not in self.declared and (name in self.asked or self.edges.of(name))


def windows_in(subject: Subject, edges: Edges | None = None) -> WindowsOf:
    """What the ruleset has to do with windows; `edges` if they are known from its compiled form."""
    asked = [node for node in (*_asked(subject), *_tied(subject)) if node is not None]
    names = {name for node in asked if (name := _name(subject, node)) is not None}
    declared = frozenset(each.name for each in windows_of(subject.tree))
    return WindowsOf(frozenset(names), declared, edges or Edges(subject.tree.rid, _edges(subject)))


def _name(subject: Subject, node: syntax.Expression) -> str | None:
    """The name that an expression gives, if that is known."""
    meant = subject.meant(node)
    found = constant(meant) if isinstance(meant, syntax.Expression) else None
    return found[0] if found is not None and isinstance(found[0], str) else None


def _tied(subject: Subject) -> Iterator[syntax.Expression]:
    """The values of `_window` in maps, wherever these stand: attributes of a schedule may be one of them."""
    for node in subject.nodes:
        if isinstance(node, syntax.Map):
            for key, value in node.entries:
                if isinstance(key, syntax.Literal) and key.value == WINDOW:
                    yield value


def _asked(subject: Subject) -> Iterator[syntax.Expression | None]:
    """What is given as the name of a window; None where all windows are asked for."""
    for node in subject.nodes:
        match node:
            case syntax.Call(callee=syntax.Qualified() as callee, arguments=arguments):
                if callee.domain == DOMAIN and DOMAIN not in subject.modules:
                    yield arguments[0].value if arguments else None
            case syntax.Method(domain="window", receiver=receiver) if DOMAIN not in subject.modules:
                yield receiver
            case syntax.ScheduleEvent(attributes=syntax.Map(entries=entries)):
                for key, value in entries:
                    if isinstance(key, syntax.Literal) and to_string(key.value) == WINDOW:
                        yield value
            case syntax.ScheduleEvent(attributes=syntax.Expression()):
                yield None  # attributes that come about when the rule runs


def _edges(subject: Subject) -> Iterator[syntax.EventPrimitive]:
    """The edges that rules select."""
    for rule in subject.rules:
        for event in primitives(rule.select) if rule.select is not None else ():
            if event.domain == DOMAIN and event.type in EDGES:
                yield event
