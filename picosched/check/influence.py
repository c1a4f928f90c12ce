"""Which picos can influence others, so that a rehearsal may leave the rest out.

A pico is kept whole or left out: the rulesets of one pico share its turns, its budget and its variables.
Between picos there is an influence only along what can happen at all. From the roots of a pico, which are the
events of its schedules, of the sources that have it as a target and from outside, it is found which rules
can run; from these, which events can be sent to other picos, which makes further rules run there.

It errs on the safe side. Of a computed event any rule may be selected; a sent event reaches every pico whose
rules select it, since channels are chosen at run time; and a rule that reads or changes picos (`ctx`,
`engine`, `source`, a module, an `app:` variable) is influenced by every pico, or influences every pico.
Left to the caller: what comes through the network, which in a rehearsal is nothing.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

from picosched.check.outline import Outline, OutlineOfRule
from picosched.frozen import frozen
from picosched.krl import syntax

Named = tuple[str | None, str | None]
"""A domain and a type; None where only a run can tell."""

ANY: Named = (None, None)

OF_ENGINE: tuple[Named, ...] = (("schedule", None), ("window", None), ("system", "error"))
"""The events that the engine raises in a pico by itself."""


@frozen
class Member:
    """A pico of a family."""

    id: str
    rulesets: frozenset[str]
    """The keys of its rulesets' outlines, such as hashes of their texts."""
    roots: frozenset[Named]
    """The events of its schedules, of sources, and from outside; empty if none comes."""


@frozen
class _Acts:
    """What the rules that can run in a pico do to others."""

    runs: bool
    sends: frozenset[Named]
    anything: bool


_Kind = tuple[frozenset[str], frozenset[Named]]
"""The rulesets and roots of a pico: those of a kind do the same."""


def influencing(
    outlines: Mapping[str, Outline], family: Sequence[Member], wanted: Collection[str]
) -> frozenset[str]:
    """The ids of all picos that can influence the wanted ones, these included.

    Without the others, the wanted have the same turns with the same outcome of each rule, apart from turns
    in which no rule is considered, and from ids and random numbers. The time it takes grows with the number
    of different pairs of rulesets and roots, not with that of picos.
    """
    members = _of_kinds(family)
    acts = _settled(outlines, [*members])
    return _spread(members, wanted, lambda at, kind: _influences(outlines, kind, acts[kind], at, acts[at]))


def influenced(
    outlines: Mapping[str, Outline], family: Sequence[Member], changed: Collection[str]
) -> frozenset[str]:
    """The ids of all picos that the changed ones can influence, these included; as `influencing`."""
    members = _of_kinds(family)
    acts = _settled(outlines, [*members])
    return _spread(members, changed, lambda at, kind: _influences(outlines, at, acts[at], kind, acts[kind]))


def selected(outlines: Mapping[str, Outline], rulesets: Iterable[str], events: Collection[Named]) -> bool:
    """Whether a rule of these rulesets may select one of the events."""
    return any(_selects(rule, events) for each in rulesets for rule in outlines[each].rules)


def _of_kinds(family: Sequence[Member]) -> dict[_Kind, list[str]]:
    members: dict[_Kind, list[str]] = defaultdict(list)
    for each in family:
        members[each.rulesets, each.roots].append(each.id)
    return members


def _spread(
    members: Mapping[_Kind, Sequence[str]],
    asked: Collection[str],
    reaches: Callable[[_Kind, _Kind], bool],
) -> frozenset[str]:
    """The asked and all picos reached from them, kind by kind."""
    found = set(asked)
    waiting = [kind for kind, ids in members.items() if not found.isdisjoint(ids)]
    seen = set(waiting)
    while waiting:
        at = waiting.pop()
        for kind, ids in members.items():
            if reaches(at, kind):
                found.update(ids)
                if kind not in seen:
                    seen.add(kind)
                    waiting.append(kind)
    return frozenset(found)


def _settled(outlines: Mapping[str, Outline], kinds: Sequence[_Kind]) -> dict[_Kind, _Acts]:
    """What each kind does, with the events that the others send to it."""
    sent: frozenset[Named] = frozenset()
    while True:
        acts = {kind: _acts(outlines, kind, sent) for kind in kinds}
        all_sent = sent.union(*(each.sends for each in acts.values()))
        if any(each.anything for each in acts.values()):
            all_sent |= {ANY}
        if all_sent == sent:
            return acts
        sent = all_sent


def _acts(outlines: Mapping[str, Outline], kind: _Kind, sent: frozenset[Named]) -> _Acts:
    rulesets, roots = kind
    events = {*roots, *sent}
    rules = [(each, outlines[each], rule) for each in rulesets for rule in outlines[each].rules]
    ran: set[tuple[str, str]] = set()
    """By the ruleset's key too: two texts of one ruleset may be looked at together."""
    sends: set[Named] = set()
    anything = False
    before = -1
    while len(ran) + len(events) != before:
        before = len(ran) + len(events)
        for ruleset, outline, rule in rules:
            if (ruleset, rule.key) in ran or not _selects(rule, events):
                continue
            ran.add((ruleset, rule.key))
            events.update(OF_ENGINE)
            if outline.is_answered or outline.reaches_picos:
                events.add(ANY)
            anything = anything or outline.reaches_picos
            for emission in (*outline.shared, *rule.emissions):
                named = emission.domain, emission.type
                (sends if emission.verb == "sends" else events).add(named)
    return _Acts(bool(ran), frozenset(sends), anything)


def _influences(
    outlines: Mapping[str, Outline], kind: _Kind, acts: _Acts, target: _Kind, acts_of_target: _Acts
) -> bool:
    if acts_of_target.anything or acts.anything:
        return True
    return any(_selects(rule, acts.sends) for each in target[0] for rule in outlines[each].rules)


def _selects(rule: OutlineOfRule, events: Iterable[Named]) -> bool:
    """Whether one of the events may be one that a rule's `select` names."""
    return any(
        isinstance(each, syntax.AnyEvent) or (domain in (None, each.domain) and type in (None, each.type))
        for each in rule.selects
        for domain, type in events
    )
