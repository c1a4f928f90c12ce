"""The whole graph of some rulesets: which statement raises, schedules or sends what to which rule.

Its nodes are the rules of all the rulesets, which are taken to be on one pico or family. A statement whose
event only a run can tell has an edge to every rule.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from functools import cached_property
from types import MappingProxyType
from typing import NamedTuple

from picosched.check.events import always
from picosched.check.given import may_fire, may_match
from picosched.check.outline import Emission, Outline, OutlineOfRule
from picosched.errors import PicoschedError
from picosched.frozen import frozen
from picosched.krl import syntax
from picosched.krl.walk import walk

MOST_EDGES = 50_000
"""A graph with more is given up: it would take longer than a second."""


@frozen
class Edge:
    """An event that a statement raises, and a rule whose `select` names it."""

    emission: Emission
    rule: OutlineOfRule
    why_not: str
    """Why its attributes can never match; empty if they may."""
    in_vain: str
    """Why the rule does nothing though they match: its condition is false for them; empty if it may."""
    surely: bool
    """Whether the event selects the rule each time, whatever it carries."""


class Graph:
    """The whole graph. PicoschedError `too_large` if it has more than MOST_EDGES."""

    def __init__(self, outlines: Sequence[Outline]) -> None:
        self.outlines = tuple(outlines)
        self.rules = {rule.key: rule for outline in outlines for rule in outline.rules}
        self._outline_of = {outline.rid: outline for outline in outlines}
        self._named: dict[tuple[str, str], list[OutlineOfRule]] = defaultdict(list)
        self._any: list[OutlineOfRule] = []
        for rule in self.rules.values():
            for each in dict.fromkeys(_event(each) for each in rule.selects):
                (self._any if each is None else self._named[each]).append(rule)
        self.edges = tuple(self._edges())

    @property
    def emissions(self) -> Iterator[Emission]:
        for outline in self.outlines:
            yield from outline.emissions

    @cached_property
    def of_emission(self) -> dict[Emission, list[Edge]]:
        """The edges of each statement that has some."""
        found: dict[Emission, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            found[edge.emission].append(edge)
        return found

    @cached_property
    def to_rule(self) -> dict[str, list[Edge]]:
        """The edges to each rule that has some."""
        found: dict[str, list[Edge]] = defaultdict(list)
        for edge in self.edges:
            found[edge.rule.key].append(edge)
        return found

    def knows(self, rid: str) -> bool:
        return rid in self._outline_of

    def _edges(self) -> Iterator[Edge]:
        made = 0
        for emission in self.emissions:
            for rule in self._candidates(emission):
                made += 1
                if made > MOST_EDGES:
                    said = f"found more than {MOST_EDGES:,} pairs of an event and a rule that selects it"
                    raise PicoschedError(said, "too_large")
                yield self._edge(emission, rule)

    def _candidates(self, emission: Emission) -> list[OutlineOfRule]:
        rids = emission.rids
        if emission.domain is None or emission.type is None:
            found = [
                rule
                for rule in self.rules.values()
                if any(
                    isinstance(each, syntax.AnyEvent)
                    or (emission.domain in (None, each.domain) and emission.type in (None, each.type))
                    for each in rule.selects
                )
            ]
        else:
            named = self._named.get((emission.domain, emission.type), [])
            found = [*named, *(rule for rule in self._any if rule not in named)]
        return [rule for rule in found if rids is None or rule.rid in rids]

    def _edge(self, emission: Emission, rule: OutlineOfRule) -> Edge:
        event = emission.domain, emission.type
        if None in event:
            return Edge(emission, rule, "", "", surely=False)
        subject = self._outline_of[rule.rid].subject
        matching = [each for each in rule.selects if _event(each) in (None, event)]
        found = [may_match(subject, each, emission.given) for each in matching]
        why_not = "" if any(may for may, _ in found) else found[0][1]
        surely = any((each.domain, each.type) == event for each in always(rule.select))
        alone = all(
            isinstance(each, syntax.EventPrimitive)
            or (isinstance(each, syntax.EventOperation) and each.operator == "or")
            for each in walk(rule.select)
            if isinstance(each, syntax.EventExpression)
        )
        in_vain = (
            ""
            if rule.condition is None or not alone
            else may_fire(subject, rule.condition, emission.given)[1]
        )
        return Edge(emission, rule, why_not, in_vain, surely)


def _event(node: syntax.EventPrimitive | syntax.AnyEvent) -> tuple[str, str] | None:
    return (node.domain, node.type) if isinstance(node, syntax.EventPrimitive) else None


class Count(NamedTuple):
    """How often an event came to a rule, and how often the rule then fired."""

    came: int
    fired: int


def dot_of(graph: Graph, counts: Mapping[tuple[str, str], Count] = MappingProxyType({})) -> str:
    """The graph as Graphviz text: rules as boxes, a line for each event that may select one.

    `counts` are by event and rule: `("tea:started", "tea/start")`.
    """
    lines = ["digraph whole {", "  rankdir=LR;", "  node [shape=box];"]
    for outline in graph.outlines:
        lines.append(f"  subgraph {_quoted(f'cluster_{outline.rid}')} {{")
        lines.append(f"    label={_quoted(outline.rid)};")
        lines += [f"    {_quoted(rule.key)} [label={_quoted(rule.name)}];" for rule in outline.rules]
        lines.append("  }")
    selected = dict.fromkeys(
        (":".join(_event(each) or ("any", "event")), rule.key)
        for rule in graph.rules.values()
        if rule.key not in graph.to_rule
        for each in rule.selects
    )
    for name, key in selected:
        lines.append(f"  {_quoted(name)} [shape=plain];")
        label = "" if (name, key) not in counts else f" [label={_quoted(_counted(counts[name, key]))}]"
        lines.append(f"  {_quoted(name)} -> {_quoted(key)}{label};")
    drawn = dict.fromkeys(
        (_from(edge.emission), edge.rule.key, edge.emission.event, edge.emission.verb)
        for edge in graph.edges
        if not edge.why_not
    )
    for start, end, event, verb in drawn:
        style = "" if verb == "raises" else " style=dashed" if verb == "schedules" else " style=dotted"
        label = event if (event, end) not in counts else f"{event} {_counted(counts[event, end])}"
        lines.append(f"  {_quoted(start)} -> {_quoted(end)} [label={_quoted(label)}{style}];")
    return "\n".join([*lines, "}", ""])


def _counted(count: Count) -> str:
    return f"{count.came:,}×, fired {count.fired:,}×"


def _from(emission: Emission) -> str:
    return f"{emission.rid}/{emission.rule}" if emission.rule else f"{emission.rid} (actions)"


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
