"""The whole graph of the rulesets that are installed, with counts from the journal on its arrows.

Of a ruleset of which picos have several texts, the most common one is looked at: the graph has a rule once.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from picosched import standard
from picosched.check.drawn import Drawn, draw, read_drawn
from picosched.check.events import look_at_events
from picosched.check.finding import Finding
from picosched.check.graph import Count, Graph, dot_of
from picosched.check.outline import Outline, outline_of
from picosched.check.schedules import look_at_schedules
from picosched.check.whole import check_whole
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.fields import Fields
from picosched.store.store import Store

MOST_RULESETS = 500
"""Rulesets looked at."""

ALONE = ("W301", "W302", "W303", "W403")
"""Warnings about single rulesets that are told too: what is never reached, and what comes too often."""

MOST_TURNS = 2_000
"""Turns of the journal that are counted, the latest."""


@dataclass(frozen=True, slots=True)
class Found:
    """A warning about the rulesets together; `text` shows it with its line and a caret."""

    code: str
    rid: str
    line: int
    column: int
    message: str
    text: str


@dataclass(frozen=True, slots=True)
class Whole:
    """What there is to say about the installed rulesets together."""

    rulesets: tuple[str, ...]
    """Their rids."""
    left_out: tuple[str, ...]
    """Those with several texts, of which the most common is looked at, and those that do not compile."""
    turns: int
    """The turns of the journal that were counted."""
    found: tuple[Found, ...]
    dot: str
    """The graph as Graphviz text."""
    picture: Drawn
    """The graph as boxes and arrows, of which `svg_of` makes an SVG; without the standard rulesets, if there
    are others."""

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


def read_whole(told: dict[str, Any]) -> Whole:
    """The answer of a server."""
    fields = Fields(told, "the server's answer")
    found = (
        Found(
            each.text("code"),
            each.text("rid"),
            each.whole("line"),
            each.whole("column"),
            each.text("message"),
            each.text("text"),
        )
        for each in fields.each("found")
    )
    return Whole(
        tuple(fields.texts("rulesets")),
        tuple(fields.texts("left_out")),
        fields.whole("turns"),
        tuple(found),
        fields.text("dot"),
        read_drawn(fields.inner("picture")),
    )


def whole_of(engine: Wiring, pico_id: str | None = None) -> Whole:
    """The whole graph of the rulesets of a pico and its descendants, or of all picos."""
    family = None if pico_id is None else engine.read(_family, engine.store, pico_id)
    texts, left_out = engine.read(_texts, engine.store, family)
    outlines: list[Outline] = []
    for rid, text in texts.items():
        try:
            outlines.append(outline_of(text, rid, engine.settings.almanac, engine.settings))
        except PicoschedError as error:
            left_out.append(f"{rid}: {error.message}")
    graph = Graph(outlines)
    entries = engine.read(engine.store.journal.entries, None, limit=MOST_TURNS)
    came: Counter[tuple[str, str]] = Counter()
    fired: Counter[tuple[str, str]] = Counter()
    turns = 0
    for entry in entries:
        if family is not None and entry.pico_id not in family:
            continue
        turns += 1
        for handled in entry.handled:
            for each in handled["considered"]:
                key = f"{handled['domain']}:{handled['type']}", f"{each['rid']}/{each['rule']}"
                came[key] += 1
                fired[key] += each["outcome"] == "fired"
    coming = {
        f"{domain}:{type}"
        for id, rid, domain, type in engine.read(engine.store.agenda.events_coming)
        if not rid and (family is None or id in family)  # scheduled by people, or under way from outside
    }
    findings = [*_alone(outlines), *(check_whole(outlines, coming=coming) if outlines else ())]
    found = (
        Found(
            each.code,
            each.span.file,
            each.span.line,
            each.span.column,
            each.message,
            each.error.render(texts[each.span.file]),
        )
        for each in findings
    )
    counts = {key: Count(number, fired[key]) for key, number in came.items()}
    own = [each for each in outlines if each.rid not in standard.ALL]
    return Whole(
        tuple(each.rid for each in outlines),
        tuple(left_out),
        turns,
        tuple(found),
        dot_of(graph, counts),
        draw(Graph(own) if own else graph, counts, findings),
    )


def _alone(outlines: Sequence[Outline]) -> Iterator[Finding]:
    """What a file is warned of by itself, and is about the way of an event: nobody else says it here."""
    for outline in outlines:
        look_at_events(outline.subject)
        look_at_schedules(outline.subject)
        yield from (each for each in outline.subject.findings if each.code in ALONE)


def _family(store: Store, pico_id: str) -> frozenset[str]:
    """A pico and its descendants."""
    ids = [pico_id]
    for id in ids:  # grows as it goes
        ids += [child.id for child in store.picos.children(id)]
    return frozenset(ids)


def _texts(store: Store, family: Collection[str] | None) -> tuple[dict[str, str], list[str]]:
    """rid → the most common text, and what to say of the others."""
    hashes: dict[str, Counter[str]] = defaultdict(Counter)
    for pico_id, rid, hash in store.picos.everywhere():
        if family is None or pico_id in family:
            hashes[rid][hash] += 1
    if len(hashes) > MOST_RULESETS:
        raise PicoschedError(
            f"found {len(hashes):,} rulesets, wanted at most {MOST_RULESETS}: name a pico", "too_large"
        )
    texts: dict[str, str] = {}
    said = []
    for rid, each in sorted(hashes.items()):
        row = store.picos.find_ruleset(min(each, key=lambda hash: (-each[hash], hash)))
        if row is not None:
            texts[rid] = row.text
        if len(each) > 1:
            said.append(f"{rid}: {len(each):,} texts, of which the most common is looked at")
    return texts, said
