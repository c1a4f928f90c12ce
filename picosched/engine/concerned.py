"""Which picos and sources a change of rulesets concerns, proved from the graph of events.

The picos that get the change, and those that they can influence, may have other turns than before. To
rehearse these, what can influence them is needed as well; all else is left out. Of a pico that is needed,
sources are left out whose events no rule of it selects.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

from picosched.check.influence import OF_ENGINE, Member, Named, influenced, influencing, selected
from picosched.check.outline import Outline, outline_of
from picosched.errors import PicoschedError
from picosched.sources.source import ECI, PICO, RID, TAG, Source, Target
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
    left_out: tuple[str, ...]
    """The ids of picos in which something would come due, and which cannot influence these."""
    sources: tuple[SourceRow, ...]
    """The sources left out."""


def concerned_by(store: Store, deployed: Mapping[str, Mapping[str, str]]) -> Concerned:
    """What a change concerns: `deployed` is, by pico id, the texts it gets by their hashes."""
    installed: dict[str, dict[str, str]] = defaultdict(dict)
    for pico_id, rid, hash in store.picos.everywhere():
        installed[pico_id][hash] = rid
    ids = [row.id for row in store.picos.picos()]
    texts = {hash: text for each in deployed.values() for hash, text in each.items()}
    hashes = {hash for each in installed.values() for hash in each} | texts.keys()
    if len(hashes) > MOST_TEXTS:
        return Concerned(frozenset(ids), (), ())
    outlines = {hash: found for hash in hashes if (found := _outline(store, hash, texts)) is not None}
    sources = _sources(store)
    family, coming = _family(store, ids, installed, deployed, outlines, sources)
    affected = influenced(outlines, family, deployed.keys())
    kept = influencing(outlines, family, affected)
    rulesets = {each.id: each.rulesets for each in family}
    useless = [
        row
        for row, source, targets in sources
        if not any(
            selected(outlines, rulesets[each], _events(source))
            for each in targets
            if each in kept and each in rulesets
        )
    ]
    return Concerned(affected, tuple(sorted(coming - kept)), tuple(useless))


def _outline(store: Store, hash: str, texts: Mapping[str, str]) -> Outline | None:
    """The outline of a text; None if it does not run any more."""
    row = None if hash in texts else store.picos.find_ruleset(hash)
    text = texts.get(hash) if row is None else row.text
    try:
        return None if text is None else outline_of(text, almanac=store.almanac)
    except PicoschedError:
        return None


def _sources(store: Store) -> list[tuple[SourceRow, Source, frozenset[str]]]:
    """The sources with the picos that they reach."""
    found = []
    for row in store.sources.all():
        try:
            source = declaring.read(row, store.almanac)
        except PicoschedError:
            continue  # it raises nothing
        found.append((row, source, frozenset(_reached(store, source.to))))
    return found


def _reached(store: Store, target: Target) -> list[str]:
    if target.kind == PICO:
        return declaring.picos_named(store, target.name)
    if target.kind == ECI:
        channel = store.picos.find_channel(target.name)
        return [] if channel is None else [channel.pico_id]
    if target.kind == TAG:
        return [str(pico_id) for pico_id, _ in store.sources.tagged(declaring.tag_of(target))]
    return store.sources.having(target.name) if target.kind == RID else []


def _events(source: Source) -> frozenset[Named]:
    return frozenset((each.domain, each.type) for each in source.entries)


def _family(
    store: Store,
    ids: list[str],
    installed: Mapping[str, Mapping[str, str]],
    deployed: Mapping[str, Mapping[str, str]],
    outlines: Mapping[str, Outline],
    sources: list[tuple[SourceRow, Source, frozenset[str]]],
) -> tuple[list[Member], frozenset[str]]:
    """Each pico with its texts, old and new, and the events that come to it; and those with rows."""
    roots: dict[str, set[Named]] = defaultdict(set)
    for pico_id, domain, type in store.agenda.events_coming():
        roots[pico_id].add((domain, type))
    coming = frozenset(roots)
    new_rids = {id: {outlines[hash].rid for hash in texts} for id, texts in deployed.items()}
    for _, source, targets in sources:
        of_rid = {id for id, rids in new_rids.items() if source.to.kind == RID and source.to.name in rids}
        for pico_id in targets | of_rid:
            roots[pico_id] |= _events(source)
    family = []
    for id in ids:
        if roots[id] or id in deployed:  # what comes may be late or fail, and the new text may have windows
            roots[id].update(OF_ENGINE)
        hashes = [*installed.get(id, ()), *deployed.get(id, ())]
        family.append(
            Member(id, frozenset(each for each in hashes if each in outlines), frozenset(roots[id]))
        )
    return family, coming
