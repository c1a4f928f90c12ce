"""The whole graph as boxes and arrows: events and rules in turns, from left to right.

A rule's arrows lead to the events that it raises (solid), schedules (dashed) and sends (dotted), an event's
arrows to the rules that select it. So each event stands once, however many statements and rules it joins. One
whose name only a run can tell leads to no rule, for it would lead to all.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from types import MappingProxyType
from typing import Any, Literal, NamedTuple

from picosched.check.finding import Finding
from picosched.check.graph import Count, Graph
from picosched.check.layers import THIN, Point, Size, layered
from picosched.check.outline import OutlineOfRule
from picosched.check.whole import unselected
from picosched.fields import Fields
from picosched.krl import syntax
from picosched.krl.operands import written

MOST_RULES = 400
"""A graph with more is not drawn: nobody could read it."""
LONGEST = 28
"""Characters of a name; a longer one is shortened, and whole in the title."""
WIDE = 1_360.0
"""Up to this width, parts that are not connected stand side by side."""
OF_CHARACTER, BESIDE = 7.4, 24.0
"""The width of a character, and the room at both sides of a text."""
EDGE = 12.0
"""Around the whole."""
BETWEEN = 52.0
"""Between columns; more if counts are longer."""
OF_LABEL = 6.8
"""The width of a character of a count."""
RED = 55
"""Degrees from red, up and down, in which no ruleset has its colour."""

Kind = Literal["rule", "event"]


@dataclass(frozen=True, slots=True)
class Box:
    """A rule or an event; x and y are those of its upper left corner."""

    kind: Kind
    name: str
    under: str
    """The second line of a rule: its ruleset. Long names are shortened."""
    rid: str
    """Of a rule; empty for an event."""
    line: int
    """Of a rule."""
    tone: str
    """`outside` for an event that no rule here raises, `lost` for one that no rule selects, `open` for one
    that only a run can tell, `warned` for a rule of which there is a warning, else empty."""
    title: str
    x: float
    y: float
    width: float
    height: float
    hue: int
    """The colour of a rule's ruleset, in degrees."""


@dataclass(frozen=True, slots=True)
class Arrow:
    """`path` is that of an SVG; it ends at x and y, to the right unless it leads `back`."""

    verb: str
    """raises, schedules, sends, selects; `fails` if the event's attributes always do."""
    path: str
    x: float
    y: float
    back: bool
    beside: float
    """How far below its end its label stands."""
    label: str
    """How often the rule fired of how often the event came; empty if that was never counted."""
    title: str


@dataclass(frozen=True, slots=True)
class Drawn:
    """A picture of the whole graph; empty if there are too many rules, or none."""

    width: float
    height: float
    boxes: tuple[Box, ...]
    arrows: tuple[Arrow, ...]

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read_drawn(fields: Fields) -> Drawn:
    """What a server has drawn."""

    def number(each: Fields, name: str) -> float:
        return each.number(name, -1e6, 1e6)

    boxes = (
        Box(
            "rule" if each.text("kind") == "rule" else "event",
            each.text("name"),
            each.text("under"),
            each.text("rid"),
            each.whole("line"),
            each.text("tone"),
            each.text("title"),
            number(each, "x"),
            number(each, "y"),
            number(each, "width"),
            number(each, "height"),
            each.whole("hue"),
        )
        for each in fields.each("boxes")
    )
    arrows = (
        Arrow(
            each.text("verb"),
            each.text("path"),
            number(each, "x"),
            number(each, "y"),
            each.flag("back"),
            number(each, "beside"),
            each.text("label"),
            each.text("title"),
        )
        for each in fields.each("arrows")
    )
    return Drawn(number(fields, "width"), number(fields, "height"), tuple(boxes), tuple(arrows))


class _Arrows(NamedTuple):
    """The nodes by key, and for each arrow (start, end, verb) what there is to say of it."""

    nodes: dict[str, OutlineOfRule | None]
    """Events have no rule."""
    said: dict[tuple[str, str, str], list[str]]


def draw(
    graph: Graph,
    counts: Mapping[tuple[str, str], Count] = MappingProxyType({}),
    findings: Sequence[Finding] = (),
) -> Drawn:
    """Draw the graph. `counts` are by event and rule, as for `dot_of`; rules with findings are marked."""
    if not 0 < len(graph.rules) <= MOST_RULES:
        return Drawn(0, 0, (), ())
    nodes, said = _arrows_of(graph)
    places = {key: place for place, key in enumerate(nodes)}
    labels = {key: f"{count.fired:,} of {count.came:,}" for key, count in counts.items()}
    longest = max(map(len, labels.values()), default=0)
    laid = layered(
        [_size(key, rule) for key, rule in nodes.items()],
        [(places[start], places[end]) for start, end, _ in said],
        max(BETWEEN, longest * OF_LABEL + 32),
        WIDE,
    )
    tones = _tones(graph, nodes, said, findings)
    hues = {outline.rid: _hue(number) for number, outline in enumerate(graph.outlines)}
    subjects = {outline.rid: outline.subject for outline in graph.outlines}
    boxes = []
    for (key, rule), middle, size in zip(nodes.items(), laid.places, laid.sizes, strict=True):
        tone, title = tones.get(key, ("", ""))
        if rule is not None:
            select = written(rule.select, subjects[rule.rid].source)
            title = "\n".join(filter(None, [f"{rule.rid}.{rule.name}: select when {select}", title]))
        boxes.append(
            Box(
                "event" if rule is None else "rule",
                _short(key if rule is None else rule.name),
                "" if rule is None else _short(rule.rid),
                "" if rule is None else rule.rid,
                0 if rule is None else rule.span.line,
                tone,
                title or key,
                round(middle.x - size.width / 2 + EDGE, 1),
                round(middle.y - size.height / 2 + EDGE, 1),
                round(size.width, 1),
                round(size.height, 1),
                0 if rule is None else hues[rule.rid],
            )
        )
    ends = Counter(end for _, end, _ in said)
    arrows = []
    for (start, end, verb), way in zip(said, laid.ways, strict=True):
        lines = [f"{start} → {end}", *said[start, end, verb]]
        if verb == "selects" and (count := counts.get((start, end))) is not None:
            lines.insert(1, f"came {count.came:,} times, and the rule fired {count.fired:,} times")
        arrows.append(
            Arrow(
                "fails" if verb == "selects" and _always_fails(graph, start, end) else verb,
                _path(way),
                round(way[-1].x + EDGE, 1),
                round(way[-1].y + EDGE, 1),
                way[0].x > way[-1].x,
                9 if way[0].y < way[-1].y - THIN and ends[end] == 1 else -8,
                labels.get((start, end), "") if verb == "selects" else "",
                "\n".join(lines),
            )
        )
    return Drawn(laid.size.width + 2 * EDGE, laid.size.height + 2 * EDGE, tuple(boxes), tuple(arrows))


def _hue(number: int) -> int:
    """The colour of a ruleset by its number: any but red and brown, which tell of faults and warnings."""
    return RED + number * 137 % 360 * (360 - 2 * RED) // 360


def _arrows_of(graph: Graph) -> _Arrows:
    nodes: dict[str, OutlineOfRule | None] = {}
    said: dict[tuple[str, str, str], list[str]] = {}
    for rule in graph.rules.values():
        for name in dict.fromkeys(map(_selected, rule.selects)):
            nodes.setdefault(name, None)
            said[name, rule.key, "selects"] = [
                f"not that of {edge.emission.rid}.{edge.emission.rule}: {why}"
                for edge in graph.to_rule.get(rule.key, ())
                if edge.emission.event == name and (why := edge.why_not or edge.in_vain)
            ]
        nodes[rule.key] = rule
    for each in graph.emissions:
        start = f"{each.rid}/{each.rule}" if each.rule else f"actions of {each.rid}"
        nodes.setdefault(start, None)
        nodes.setdefault(each.event, None)
        lines = said.setdefault((start, each.event, each.verb), [])
        lines.append(f"{each.verb} it on line {each.span.line}")
    return _Arrows(nodes, said)


def _always_fails(graph: Graph, event: str, rule: str) -> bool:
    """Whether statements raise the event, and the rule accepts it of none."""
    found = [edge for edge in graph.to_rule.get(rule, ()) if edge.emission.event == event]
    return bool(found) and all(edge.why_not or edge.in_vain for edge in found)


def _tones(
    graph: Graph,
    nodes: Mapping[str, OutlineOfRule | None],
    said: Mapping[tuple[str, str, str], Sequence[str]],
    findings: Sequence[Finding],
) -> dict[str, tuple[str, str]]:
    """The tone of a box, and why it has it."""
    raised = {end for _, end, verb in said if verb != "selects"}
    lost = {each.event for each in unselected(graph)}
    tones = {}
    for key, rule in nodes.items():
        if rule is None and "…" in key:
            tones[key] = "open", f"{key}: only a run can tell which event, so it may select any rule"
        elif rule is None and key not in raised:
            tones[key] = "outside", f"{key}: no rule here raises it"
        elif rule is None and key in lost:
            tones[key] = "lost", f"{key}: no rule here selects it"
    for outline in graph.outlines:
        begins = [(rule.span.line, rule.span.column) for rule in outline.rules]
        about: dict[str, list[str]] = defaultdict(list)
        for each in findings:
            at = bisect_right(begins, (each.span.line, each.span.column)) - 1
            if at >= 0 and each.span.file == outline.subject.source.name:
                about[outline.rules[at].key].append(f"{each.code} line {each.span.line}: {each.message}")
        tones |= {key: ("warned", "\n".join(lines)) for key, lines in about.items()}
    return tones


def _selected(event: syntax.EventPrimitive | syntax.AnyEvent) -> str:
    return f"{event.domain}:{event.type}" if isinstance(event, syntax.EventPrimitive) else "any event"


def _size(key: str, rule: OutlineOfRule | None) -> Size:
    texts = [key] if rule is None else [rule.name, rule.rid]
    longest = max(len(_short(each)) for each in texts)
    return Size(longest * OF_CHARACTER + BESIDE, 26.0 if rule is None else 42.0)


def _short(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _path(points: Sequence[Point]) -> str:
    """A curve that leaves and enters each point level."""
    first, *rest = (Point(round(x + EDGE, 1), round(y + EDGE, 1)) for x, y in points)
    parts, before = [f"M{first.x:g} {first.y:g}"], first
    for each in rest:
        middle = round((before.x + each.x) / 2, 1)
        parts.append(f"C{middle:g} {before.y:g} {middle:g} {each.y:g} {each.x:g} {each.y:g}")
        before = each
    return "".join(parts)
