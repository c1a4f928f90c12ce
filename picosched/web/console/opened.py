"""The ruleset that the editor opens: a pico's version of it, and the picos that it can be installed on."""

from __future__ import annotations

from dataclasses import dataclass, field

from picosched.engine.engine import Engine

MOST_PICOS = 200


@dataclass(frozen=True, slots=True)
class Opened:
    """A ruleset to edit: its text, and the picos that have this rid, id → (name, hash)."""

    rid: str
    text: str
    hash: str | None = None
    picos: dict[str, tuple[str, str]] = field(default_factory=dict)
    others: dict[str, str] = field(default_factory=dict)
    pico_id: str | None = None
    """Whose version it is."""


def open_ruleset(engine: Engine, rid: str, pico_id: str = "") -> Opened | None:
    """The ruleset as installed on that pico, or else on the first pico that has it; None if there is none."""
    pages, picos = engine.store.pages, engine.store.picos
    having = engine.read(lambda: pages.picos_with(rid, MOST_PICOS))
    asked = {row.id: hash for row, hash in having}
    if pico_id and pico_id not in asked:
        installed = engine.read(lambda: picos.installed(pico_id))
        asked |= [(pico_id, row.hash) for row in installed if row.rid == rid]
    if not asked:
        return None
    whose = pico_id if pico_id in asked else next(iter(asked))
    hash = asked[whose]
    kept = engine.read(lambda: picos.find_ruleset(hash))
    if kept is None:
        return None
    known = {row.id: (row.name or row.id, hash) for row, hash in having}
    return Opened(rid, _lines(kept.text), hash, known, some_picos(engine), whose)


def some_picos(engine: Engine) -> dict[str, str]:
    """Id → name of as many picos as are offered."""
    page = engine.read(lambda: engine.store.pages.picos(None, MOST_PICOS))
    return {row.id: row.name or row.id for row in page.items}


def _lines(given: str) -> str:
    """A text with the editor's line ends, line feeds only."""
    return given.replace("\r\n", "\n").replace("\r", "\n")
