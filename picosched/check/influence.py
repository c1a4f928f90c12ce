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
from collections.abc import Collection, Iterable, Mapping, Sequence

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
    members: dict[_Kind, list[str]] = defaultdict(list)
    for each in family:
        members[each.rulesets, each.roots].append(each.id)
    acts = _settled(outlines, [*members])
    asked = set(wanted)
    kept = {kind for kind, ids in members.items() if asked.intersection(ids)}
    found = set(asked)
    waiting = [*kept]
    seen = set(waiting)
    while waiting:
        target = waiting.pop()
        for kind, ids in members.items():
            if _influences(outlines, kind, acts[kind], target, acts[target]):
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
    here = [outlines[each] for each in rulesets]
    events = {*roots, *sent}
    rules = [(outline, rule) for outline in here for rule in outline.rules]
    ran: set[str] = set()
    sends: set[Named] = set()
    anything = False
    before = -1
    while len(ran) + len(events) != before:
        before = len(ran) + len(events)
        for outline, rule in rules:
            if rule.key in ran or not _selects(rule, events):
                continue
            ran.add(rule.key)
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
