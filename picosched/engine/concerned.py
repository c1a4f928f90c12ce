"""Which picos and sources a change of rulesets concerns, proved from the graph of events.

The picos that get the change, and those that they can influence, may have other turns than before. To
rehearse these, what can influence them is needed as well; all else is left out. What is looked at is a part
of a pico, as `apart` has them: rulesets that have no turn together. Sources are left out whose events no rule
of a part that is needed selects.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from picosched.check.apart import parts_of
from picosched.check.influence import OF_ENGINE, Member, Named, influenced, influencing, selected
from picosched.check.outline import Outline, outline_of
from picosched.errors import PicoschedError
from picosched.sources.source import RID
from picosched.store.sources import SourceRow
from picosched.store.store import Store
from picosched.turns import sources as declaring

MOST_TEXTS = 500
"""With more different texts installed nothing is left out: to read them would take longer."""


@dataclass(frozen=True, slots=True)
class Concerned:
    """What a rehearsal of a change needs."""

    affected: frozenset[str]
    """The ids of picos whose turns may be others than before."""
    kept: frozenset[str]
    """The ids of picos of which a part is needed."""
    left_out: tuple[tuple[str, str], ...]
    """Rulesets, (pico id, rid), that have schedules and cannot influence these."""
    sources: tuple[SourceRow, ...]
    """The sources left out."""


@dataclass(frozen=True, slots=True)
class _Heard:
    """A source, with the picos that it reaches."""

    row: SourceRow
    events: frozenset[Named]
    picos: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Part:
    """A part of a pico, looked at as a pico of its own."""

    pico_id: str
    member: Member


def concerned_by(
    store: Store, deployed: Mapping[str, Mapping[str, str]], raised: Collection[tuple[str, str, str]] = ()
) -> Concerned:
    """What a change concerns: `deployed` is, by pico id, the texts it gets by their hashes.

    `raised` are events that come besides schedules and sources: (pico id, domain, type).
    """
    installed: dict[str, set[str]] = {row.id: {*deployed.get(row.id, ())} for row in store.picos.picos()}
    for pico_id, _, hash in store.picos.everywhere():
        installed.setdefault(pico_id, set()).add(hash)
    hashes = frozenset[str]().union(*installed.values())
    if len(hashes) > MOST_TEXTS:
        return Concerned(frozenset(installed), frozenset(installed), (), ())
    texts = {hash: text for each in deployed.values() for hash, text in each.items()}
    outlines = {hash: found for hash in hashes if (found := _outline(store, hash, texts)) is not None}
    coming = store.agenda.events_coming()
    sources = _sources(store, {id: {outlines[hash].rid for hash in each} for id, each in deployed.items()})
    asked = [(pico_id, "", domain, type) for pico_id, domain, type in raised]
    parts = _parts(outlines, installed, [*coming, *asked], sources, deployed.keys())
    family = [each.member for each in parts]
    changed = [
        each.member.id
        for each in parts
        if not each.member.rulesets.isdisjoint(deployed.get(each.pico_id, ()))
    ]
    affected = influenced(outlines, family, changed)
    kept = influencing(outlines, family, affected)
    rulesets: dict[str, set[str]] = defaultdict(set)
    for part in parts:
        if part.member.id in kept:
            rulesets[part.pico_id] |= part.member.rulesets
    rids = {(id, outlines[hash].rid) for id, each in rulesets.items() for hash in each}
    return Concerned(
        frozenset(each.pico_id for each in parts if each.member.id in affected),
        frozenset(rulesets),
        tuple(sorted({(id, rid) for id, rid, *_ in coming if rid} - rids)),
        tuple(
            each.row
            for each in sources
            if not any(selected(outlines, rulesets[id], each.events) for id in each.picos & rulesets.keys())
        ),
    )


def leave_out(store: Store, concerned: Concerned) -> None:
    """Let nothing come, in a copy, from what a change does not concern."""
    with store.transaction():
        store.agenda.hold_back(concerned.left_out)
        for row in concerned.sources:
            store.sources.set_pause(row.id, True, None)


def _parts(
    outlines: Mapping[str, Outline],
    installed: Mapping[str, set[str]],
    coming: Sequence[tuple[str, str, str, str]],
    sources: Sequence[_Heard],
    deployed: Collection[str],
) -> list[_Part]:
    """The parts of all picos, each with the events that come to it."""
    roots: dict[tuple[str, str], set[Named]] = defaultdict(set)
    for pico_id, rid, domain, type in coming:
        roots[pico_id, rid].add((domain, type))
    for source in sources:
        for pico_id in source.picos:
            roots[pico_id, ""] |= source.events
    # What comes may be late or fail, and a new text may have windows.
    told = {id for id, _ in roots} | {*deployed}
    apart: dict[frozenset[str], list[frozenset[str]]] = {}
    found = []
    for id, hashes in installed.items():
        running = frozenset(hashes & outlines.keys())
        if running not in apart:
            apart[running] = parts_of(outlines, running) or [running]
        for number, rulesets in enumerate(apart[running]):
            rids = {"", *(outlines[hash].rid for hash in rulesets)}
            events = frozenset[Named]().union(*(roots.get((id, rid), ()) for rid in rids))
            of_engine = OF_ENGINE if id in told else ()
            found.append(_Part(id, Member(f"{id} {number}", rulesets, events.union(of_engine))))
    return found


def _outline(store: Store, hash: str, texts: Mapping[str, str]) -> Outline | None:
    """The outline of a text; None if it does not run any more."""
    row = None if hash in texts else store.picos.find_ruleset(hash)
    text = texts.get(hash) if row is None else row.text
    try:
        return None if text is None else outline_of(text, almanac=store.almanac)
    except PicoschedError:
        return None


def _sources(store: Store, deployed: Mapping[str, Collection[str]]) -> list[_Heard]:
    """The sources; `deployed` is, by pico id, the rids of the rulesets it gets."""
    found = []
    for row in store.sources.all():
        source = declaring.valid(row, store.almanac)
        if source is None:
            continue  # it raises nothing
        picos = {*declaring.picos_of(store, source.to)}
        if source.to.kind == RID:
            picos |= {id for id, rids in deployed.items() if source.to.name in rids}
        events = frozenset((each.domain, each.type) for each in source.entries)
        found.append(_Heard(row, events, frozenset(picos)))
    return found
