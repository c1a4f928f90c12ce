"""What is wrong with several rulesets together: `check_whole`.

An event from outside may select any rule unless `outside` names those that come. So without it a rule counts
as unreached only if its name nearly is that of an event which no rule selects, or if it selects an event of
the engine that there is not. Loops are reported only if each step happens every time: no condition, no
`foreach`, no guard, no pattern or `where` between the event and the next.
"""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Collection, Iterable, Iterator, Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from picosched.check.attribute import attribute_of
from picosched.check.cycles import cycles
from picosched.check.events import can_complete
from picosched.check.finding import Finding
from picosched.check.graph import Edge, Graph
from picosched.check.outline import Emission, Outline, OutlineOfRule
from picosched.check.unfit import unfit
from picosched.errors import PicoschedError
from picosched.krl import syntax
from picosched.krl.walk import parts
from picosched.krl.windows import DOMAIN as WINDOW
from picosched.krl.windows import EDGES
from picosched.schedule.happenings import DOMAIN as SCHEDULE
from picosched.schedule.happenings import TYPES

OF_ENGINE = {SCHEDULE: TYPES, WINDOW: tuple(EDGES)}
"""The domains in which only the engine raises events, and all of these."""

STANDARD = ("wrangler", "engine_ui", "system", "http", "pds", "source")
"""Domains in which the engine and the standard rulesets raise events and select them."""

AS_LIKE = 0.8
"""Types as like to one that no rule selects are taken for it, mistyped; `remove` is not for `removed`."""

MOST_NAMED = 10
"""Rules of a loop that are named."""


def check_whole(
    outlines: Sequence[Outline],
    outside: Sequence[str] | None = None,
    coming: Collection[str] = (),
) -> list[Finding]:
    """The warnings about rulesets that belong to one pico or family, by file and place.

    `outside` names all events that come from outside, as domain:type; `tea:*` stands for a domain. Those in
    `coming` are known to come, as somebody scheduled them.
    """
    try:
        graph = Graph(outlines)
    except PicoschedError as error:
        place = outlines[0].subject.source.span(0, 0)
        return [Finding.of("W507", f"{error.message}: the whole was not checked", place)]
    found = [
        *_unreached(graph, outside, coming),
        *_say_unselected(graph),
        *_unaccepted(graph),
        *_endless(graph),
        *_never_given(graph, outside, coming),
        *unfit(graph, outside, coming, STANDARD + tuple(OF_ENGINE)),
    ]
    return sorted(found, key=lambda each: (each.span.file, *each.place))


# ---- what is never reached ------------------------------------------------------------------------


def unselected(graph: Graph) -> Iterator[Emission]:
    """Statements whose event no rule selects, though all that could are known."""
    for each in graph.emissions:
        known = each.rids is None or all(map(graph.knows, each.rids))
        if (
            each.verb != "sends"
            and each.domain
            and each.type
            and known
            and each.domain not in STANDARD
            and each not in graph.of_emission
        ):
            yield each


def _say_unselected(graph: Graph) -> Iterator[Finding]:
    for each in unselected(graph):
        if each.rids != (each.rid,):  # else W303 says it
            yield Finding.of("W502", f"{each.verb} {each.event}, which no rule here selects", each.span)


def _unreached(graph: Graph, outside: Sequence[str] | None, coming: Collection[str]) -> Iterator[Finding]:
    lost = {(each.domain, each.type): each.event for each in unselected(graph)}
    reached: set[str] = set()
    waiting = [*graph.rules.values()]
    anything = any(each.verb == "sends" and not each.type for each in graph.emissions) or any(
        each.is_answered or each.reaches_picos for each in graph.outlines
    )
    while True:
        more = {
            rule.key
            for rule in waiting
            if can_complete(
                rule.select, frozenset(_missing(graph, rule, reached, outside, coming, anything, lost))
            )
        }
        if not more:
            break
        reached |= more
        waiting = [rule for rule in waiting if rule.key not in more]
    for rule in waiting:
        if not can_complete(rule.select, frozenset()):
            continue  # W301 says it
        missing = sorted(_missing(graph, rule, reached, outside, coming, anything, lost))
        said = f"nothing reaches {rule.name}: nothing that can happen raises {', '.join(missing)}"
        near = [near for each in missing for near in _near(each, lost.values())]
        if near:
            said += f"; raised, but selected by no rule: {', '.join(near)}"
        yield Finding.of("W501", said, rule.span)


def _missing(
    graph: Graph,
    rule: OutlineOfRule,
    reached: set[str],
    outside: Sequence[str] | None,
    coming: Collection[str],
    anything: bool,
    lost: dict[tuple[str | None, str | None], str],
) -> Iterator[str]:
    """The events of a rule that never come."""
    emissions = [
        edge.emission
        for edge in graph.to_rule.get(rule.key, ())
        if edge.emission.rule is None or f"{edge.emission.rid}/{edge.emission.rule}" in reached
    ]
    for each in rule.selects:
        if not isinstance(each, syntax.EventPrimitive):
            continue
        name = f"{each.domain}:{each.type}"
        if name in coming or any(
            emission.domain in (None, each.domain) and emission.type in (None, each.type)
            for emission in emissions
        ):
            continue
        if each.domain in OF_ENGINE:
            comes = each.type in OF_ENGINE[each.domain]
        elif each.domain in STANDARD or (anything and outside is not None):
            comes = True
        elif outside is not None:
            comes = any(fnmatchcase(name, wanted) for wanted in outside)
        else:
            raised = any(
                edge.emission.domain == each.domain and edge.emission.type == each.type
                for edge in graph.to_rule.get(rule.key, ())
            )
            comes = raised or not _near(name, lost.values())
        if not comes:
            yield name


def _near(name: str, lost: Iterable[str]) -> list[str]:
    domain, _, type = name.partition(":")
    types = [each.partition(":")[2] for each in lost if each.startswith(f"{domain}:")]
    types = [each for each in types if not (each.startswith(type) or type.startswith(each))]
    return [f"{domain}:{each}" for each in get_close_matches(type, types, 1, AS_LIKE)]


# ---- attributes -----------------------------------------------------------------------------------


def _unaccepted(graph: Graph) -> Iterator[Finding]:
    for emission, edges in graph.of_emission.items():
        if emission.verb != "sends" and all(edge.why_not or edge.in_vain for edge in edges):
            first = edges[0]
            said = f"{emission.verb} {emission.event}, but no rule accepts it: for {first.rule.name}"
            yield Finding.of("W503", f"{said}, {first.why_not or first.in_vain}", emission.span)


def _never_given(graph: Graph, outside: Sequence[str] | None, coming: Collection[str]) -> Iterator[Finding]:
    """Attributes that a rule needs and none of the statements gives that raise all of its events."""
    trees = {(outline.rid, rule.name): rule for outline in graph.outlines for rule in outline.subject.rules}
    subjects = {outline.rid: outline.subject for outline in graph.outlines}
    for rule in graph.rules.values():
        edges = graph.to_rule.get(rule.key, [])
        emissions = [edge.emission for edge in edges if not edge.why_not]
        raised = {each.event for each in emissions}
        if not emissions or any(
            isinstance(each, syntax.AnyEvent)
            or (name := f"{each.domain}:{each.type}") not in raised
            or each.domain in STANDARD
            or name in coming
            or (outside is not None and any(fnmatchcase(name, wanted) for wanted in outside))
            for each in rule.selects
        ):
            continue
        for name, node in _needed(trees[rule.rid, rule.name]).items():
            if all(not each.given.others and name not in each.given.values for each in emissions):
                said = f"the attribute {name} is never given: what raises {', '.join(sorted(raised))} here"
                span = subjects[rule.rid].source.span(node.start, node.end)
                yield Finding.of("W506", f"{said} has no such attribute", span)


def _needed(rule: syntax.Rule) -> dict[str, syntax.Node]:
    """The attributes that a rule reads, without a default or a test of their own."""
    needed: dict[str, syntax.Node] = {}
    tested: set[str] = set()
    waiting: list[tuple[syntax.Node, bool]] = [
        (each, False) for each in (*rule.foreach, *rule.prelude, rule.actions, rule.postlude) if each
    ]
    while waiting:
        node, guarded = waiting.pop()
        name = attribute_of(node)
        if name is not None:
            if guarded:
                tested.add(name)
            else:
                needed.setdefault(name, node)
        guarded = guarded or isinstance(
            node, syntax.Method | syntax.Infix | syntax.Prefix | syntax.Conditional
        )
        guarded = guarded or isinstance(node, syntax.Guard)
        conditions = (node.condition, node.selector) if isinstance(node, syntax.ActionBlock) else ()
        waiting += [(part, guarded or part in conditions) for part in parts(node)]
    return {name: node for name, node in needed.items() if name not in tested}


# ---- loops ----------------------------------------------------------------------------------------


def _endless(graph: Graph) -> Iterator[Finding]:
    """Loops that never end, and those that multiply."""
    sure = [edge for edge in graph.edges if edge.surely and edge.emission.sure]
    endless: set[str] = set()
    for loop in _loops(graph, [edge for edge in sure if edge.emission.at_once]):
        endless |= {edge.rule.key for edge in loop}
        said = f"{_chain(loop)}, at once and each time: this never ends"
        yield Finding.of("W504", said, _first(loop).emission.span)
    for loop in _loops(graph, [edge for edge in sure if not edge.emission.ends]):
        rules = {edge.rule.key for edge in loop}
        times = Counter(f"{edge.emission.rid}/{edge.emission.rule}" for edge in loop)
        more = max(times.values()) > 1
        repeats = [edge for edge in loop if edge.emission.repeats]
        if rules & endless or not (more or repeats) or any(graph.rules[key].cancels for key in rules):
            continue
        why = "each repeat schedules another" if repeats else "each event brings forth several"
        blamed = _first(repeats or [edge for edge in loop if times[_key(edge.emission)] > 1])
        yield Finding.of("W505", f"{_chain(loop)}: {why}, without end", blamed.emission.span)


def _loops(graph: Graph, edges: Sequence[Edge]) -> Iterator[list[Edge]]:
    targets: dict[str, list[str]] = {key: [] for key in graph.rules}
    for edge in edges:
        if edge.emission.rule is not None:
            targets[_key(edge.emission)].append(edge.rule.key)
    for found in cycles(targets):
        yield [edge for edge in edges if _key(edge.emission) in found and edge.rule.key in found]


def _key(emission: Emission) -> str:
    return f"{emission.rid}/{emission.rule}"


def _first(edges: Sequence[Edge]) -> Edge:
    return min(edges, key=lambda edge: (edge.emission.span.file, edge.emission.span.line))


def _chain(loop: Sequence[Edge]) -> str:
    """The shortest loop that begins with its first statement, in words."""
    first = _first(loop)
    onward: dict[str, list[str]] = {}
    for edge in loop:
        onward.setdefault(_key(edge.emission), []).append(edge.rule.key)
    start = _key(first.emission)
    before = {first.rule.key: start}
    waiting = deque(before)
    while start not in before:
        at = waiting.popleft()
        for key in onward[at]:
            if key not in before:
                before[key] = at
                waiting.append(key)
    keys = [start]
    while len(keys) == 1 or keys[-1] != start:
        keys.append(before[keys[-1]])
    keys.reverse()
    several = len({key.partition("/")[0] for key in keys}) > 1
    names = [key.replace("/", ".") if several else key.partition("/")[2] for key in keys]
    if len(names) > MOST_NAMED:
        names[MOST_NAMED - 1 : -1] = [f"… {len(names) - MOST_NAMED:,} more …"]
    return " → ".join(names)
