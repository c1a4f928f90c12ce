"""Finding anything by a few words, for Ctrl-K: pages, picos, rulesets, schedules, windows and so on.

A search is bounded: it looks at no more than `MOST_PICOS` picos, `MOST_RULESETS` rulesets, the `SOONEST`
schedules that are due first and the `NEWEST` turns, shows at most `EACH` of a kind, and then offers the lists
that search everything. The browser asks `FIND`, which like each page requires the cookie.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import islice
from urllib.parse import urlencode

from fastapi import FastAPI
from fastapi.responses import JSONResponse

from picosched.engine.engine import Engine
from picosched.pico.windows import windows_of
from picosched.schedule.filter import Filter
from picosched.settings import NAMES
from picosched.web.console.frame import Console
from picosched.web.console.parts import event_path, pico_path, ruleset_path
from picosched.web.console.schedule_page import schedule_path

FIND = "/find"
EACH = 6
MOST_WORDS = 200
"""Characters of a search."""
MOST_PICOS, MOST_RULESETS, SOONEST, NEWEST = 5_000, 1_000, 1_000, 300


@dataclass(frozen=True, slots=True)
class Find:
    """What was found, and the path that leads there."""

    kind: str
    name: str
    more: str
    href: str


def add_finding(app: FastAPI, console: Console) -> None:
    """Add the path that the browser asks."""

    @app.get(FIND, include_in_schema=False)
    async def find(q: str = "") -> JSONResponse:
        words = q.strip()[:MOST_WORDS]
        finds = await console.run(lambda: found(console, words))
        return JSONResponse([asdict(each) for each in finds], headers={"cache-control": "no-store"})


def found(console: Console, words: str) -> list[Find]:
    """What has all the words, in its name first of all; the pages if there are none."""
    pages = [Find("page", each.name, f"g {each.key}", each.path) for each in console.places]
    if not words:
        return pages
    has = _having(words)
    kinds = (_picos, _rulesets, _schedules, _windows, _sources, _events)
    several = [[each for each in pages if has(each.name)]]
    several += [console.engine.read(partial(kind, console.engine, words, has)) for kind in kinds]
    settings = ("zone", *NAMES)
    several.append([Find("setting", each, "", f"/settings#{each}") for each in settings if has(each)])
    return [*(each for kind in several for each in kind[:EACH]), *_everywhere(words)]


Has = Callable[..., bool]
"""Whether some texts have all the words."""


def _having(words: str) -> Has:
    wanted = words.casefold().split()

    def has(*texts: str | None) -> bool:
        text = " ".join(each for each in texts if each).casefold()
        return all(each in text for each in wanted)

    return has


def _picos(engine: Engine, words: str, has: Has) -> list[Find]:
    store = engine.store
    exact = store.picos.find_pico(words)
    rows = [*([] if exact is None else [exact]), *islice(store.picos.named(words), EACH)]
    rows += [each for each in store.pages.picos(None, MOST_PICOS).items if has(each.name, each.id)]
    rows = [*{each.id: each for each in rows}.values()][:EACH]
    return [Find("pico", each.name or "(no name)", each.id, pico_path(each.id)) for each in rows]


def _rulesets(engine: Engine, words: str, has: Has) -> list[Find]:
    rows = {each.rid: each for each in engine.store.pages.rulesets(MOST_RULESETS) if has(each.rid)}
    return [
        Find("ruleset", rid, f"in {each.picos:,} picos", ruleset_path(rid, each.pico_id))
        for rid, each in rows.items()
    ]


def _schedules(engine: Engine, words: str, has: Has) -> list[Find]:
    exact = engine.store.agenda.find(words)
    rows = [] if exact is None else [exact]
    for row in engine.store.pages.scheduled(Filter(), None, SOONEST).items:
        if has(row.event, row.name, row.description, row.timespec, row.id):
            rows.append(row)
    return [
        Find(
            "schedule",
            row.name or row.event,
            row.timespec or "once",
            schedule_path(row.id),
        )
        for row in rows[:EACH]
    ]


def _windows(engine: Engine, words: str, has: Has) -> list[Find]:
    names = [each for each in windows_of(engine.settings, engine.store.windows.all()) if has(each)]
    return [Find("window", each, "", f"/windows?{urlencode({'text': each})}") for each in names]


def _sources(engine: Engine, words: str, has: Has) -> list[Find]:
    rows = [each for each in engine.store.sources.all() if has(each.name, each.id)]
    return [Find("source", each.name or "(no name)", each.id, f"/sources/{each.id}") for each in rows]


def _events(engine: Engine, words: str, has: Has) -> list[Find]:
    turns = engine.store.pages.journal(None, NEWEST).items
    names: dict[str, Find] = {}
    for turn in turns:
        if turn.eid == words:
            names[words] = Find("event", words, "its turn", event_path(words))
        for event in turn.handled:
            name = f"{event['domain']}:{event['type']}"
            if has(name):
                path = f"/journal?{urlencode({'event': name})}"
                names.setdefault(name, Find("event", name, "its turns", path))
    return [*names.values()]


def _everywhere(words: str) -> Iterator[Find]:
    """The lists that search everything."""
    for kind in ("schedules", "picos"):
        yield Find("search", f"All {kind} with “{words}”", "", f"/{kind}?{urlencode({'text': words})}")
