"""Which rulesets of a pico are apart: none is in a turn with another, and none sees what another does.

A turn is about one event and what it raises, with a budget of its own, and entity variables belong to one
ruleset. So a pico falls into parts that only events sent to it, and rules that reach picos, can connect; for
these `influence` looks at each part as at a pico. What they still share is how many rows a pico may have.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

from picosched.check.influence import OF_ENGINE, selected
from picosched.check.outline import Outline
from picosched.krl import syntax


def parts_of(outlines: Mapping[str, Outline], rulesets: Collection[str]) -> list[frozenset[str]]:
    """The rulesets of a pico, by their outlines' keys, in parts that are apart from each other."""
    parts: list[frozenset[str]] = []
    for each in sorted(rulesets):
        joined = [part for part in parts if any(_together(outlines, each, other) for other in part)]
        parts = [part for part in parts if part not in joined]
        parts.append(frozenset([each]).union(*joined))
    return parts


def _together(outlines: Mapping[str, Outline], one: str, other: str) -> bool:
    a, b = outlines[one], outlines[other]
    if a.rid == b.rid or a.rid in b.modules or b.rid in a.modules:
        return True
    # Events of the engine tell a ruleset of what befell any row or rule of its pico.
    if selected(outlines, (one, other), OF_ENGINE):
        return True
    return (
        selected(outlines, (other,), _named(a))
        or selected(outlines, (one,), _named(b))
        or (_selects_any(a) and bool(b.rules))
        or (_selects_any(b) and bool(a.rules))
        or _raises_to(outlines, a, other)
        or _raises_to(outlines, b, one)
    )


def _named(outline: Outline) -> frozenset[tuple[str | None, str | None]]:
    """The events that its rules select by name."""
    return frozenset(
        (each.domain, each.type) for each in _selects(outline) if isinstance(each, syntax.EventPrimitive)
    )


def _selects_any(outline: Outline) -> bool:
    return any(isinstance(each, syntax.AnyEvent) for each in _selects(outline))


def _selects(outline: Outline) -> Iterable[syntax.EventPrimitive | syntax.AnyEvent]:
    return (each for rule in outline.rules for each in rule.selects)


def _raises_to(outlines: Mapping[str, Outline], raising: Outline, to: str) -> bool:
    """Whether one may raise an event that the other selects; an answer from outside may be any event."""
    if raising.is_answered and outlines[to].rules:
        return True
    events = {
        (each.domain, each.type)
        for each in raising.emissions
        if each.verb == "raises" and (each.rids is None or outlines[to].rid in each.rids)
    }
    return selected(outlines, (to,), events)
