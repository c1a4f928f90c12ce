"""The tree of picos, with a search by name or id."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlencode

from fastapi import Request
from nicegui import ui

from picosched.engine.engine import Engine
from picosched.store.picos import PicoRow
from picosched.web.console.filters import remember
from picosched.web.console.frame import Console, every, frame
from picosched.web.console.parts import (
    Cell,
    Column,
    Listing,
    box,
    button,
    link_cell,
    nothing_matches,
    panel,
    pico_path,
    show_either,
    text,
    time_cell,
)

SECONDS = 3.0
MOST = 5_000
"""Most picos in the tree; others can be found by name or id."""
PAGE = 200

COLUMNS = (
    Column("name", "Pico"),
    Column("rulesets", "Rulesets", "number"),
    Column("scheduled", "Scheduled", "number"),
    Column("created", "Made", "time"),
    Column("id", "Id", "mono"),
)


@dataclass(frozen=True, slots=True)
class Branch:
    """A pico in the tree; `place` is drawn before its name."""

    row: PicoRow
    place: str
    rulesets: int = 0
    scheduled: int = 0


def add_pages(console: Console) -> None:
    @console.page("/picos")
    async def picos(request: Request) -> None:
        given = request.query_params
        most = _number(given.get("most", ""))
        with frame(console, "Picos", "/picos"), console.telling_errors():
            with box("head"):
                text("h1", "Picos")
            with panel("Family", "") as side:
                with box("line"):
                    part = ui.input("Name or id", value=given.get("text", "")[:200]).classes("filter grow")
                    part.props("maxlength=200")
                listing = Listing("Picos, each after its parent", COLUMNS)
                more = button("More", lambda: grow(), "small")
                nothing = nothing_matches("/picos")
            assert side is not None

            async def refresh() -> None:
                wanted = part.value.strip()
                branches, count = await console.run(lambda: _found(console.engine, wanted, most))
                listing.show([_row(each) for each in branches])
                show_either(listing, nothing, bool(branches))
                more.set_visibility(count > len(branches))
                side.show(f"{len(branches):,} of {count:,}")

            async def changed() -> None:
                now = {"text": part.value.strip(), "most": "" if most == PAGE else str(most)}
                remember("/picos", urlencode({name: value for name, value in now.items() if value}))
                await refresh()

            async def grow() -> None:
                nonlocal most
                most = min(MOST, most + PAGE)
                await changed()

            part.on_value_change(changed)
            await refresh()
            every(console, SECONDS, refresh)


def _number(text: str) -> int:
    """How many picos the URL asks for."""
    return min(MOST, max(PAGE, int(text))) if text.isascii() and text.isdecimal() and len(text) < 6 else PAGE


def _found(engine: Engine, wanted: str, most: int) -> tuple[list[Branch], int]:
    """The picos whose name or id contains the text, or the tree of all without one; and their number."""

    def work() -> tuple[list[Branch], int]:
        store = engine.store
        rows = store.pages.picos(None, MOST).items
        if wanted:
            low = wanted.casefold()
            found = [Branch(each, "") for each in rows if low in each.name.casefold() or low in each.id]
            exact = store.picos.find_pico(wanted)
            known = {each.row.id for each in found}
            more = [*store.picos.named(wanted), *([] if exact is None else [exact])]
            found += [Branch(each, "") for each in more if each.id not in known]
        else:
            found = [*tree(rows)]
        return [_counted(engine, each) for each in found[:most]], len(found)

    return engine.read(work)


def tree(rows: list[PicoRow]) -> Iterator[Branch]:
    """Each pico after its parent and before its next sibling; one whose parent is missing is a root."""
    ids = {each.id for each in rows}
    children: dict[str | None, list[PicoRow]] = {}
    for row in rows:
        children.setdefault(row.parent_id if row.parent_id in ids else None, []).append(row)
    # A stack, not recursion, because families may be deep.
    waiting = [(row, "", "") for row in reversed(children.get(None, []))]
    while waiting:
        row, place, below = waiting.pop()
        yield Branch(row, place)
        own = children.get(row.id, [])
        for number, child in reversed([*enumerate(own, 1)]):
            last = number == len(own)
            waiting.append((child, below + ("└ " if last else "├ "), below + ("  " if last else "│ ")))


def _counted(engine: Engine, branch: Branch) -> Branch:
    row = branch.row
    rulesets = len(engine.store.picos.installed(row.id))
    scheduled = engine.store.pages.pending_of(row.id)
    return Branch(row, branch.place, rulesets, scheduled)


def _row(branch: Branch) -> dict[str, Cell]:
    row = branch.row
    name = link_cell(row.name or "(no name)", pico_path(row.id))
    return {
        "key": row.id,
        "href": pico_path(row.id),
        "name": {**name, "place": branch.place},
        "rulesets": branch.rulesets,
        "scheduled": branch.scheduled,
        "created": time_cell(row.created),
        "id": row.id,
    }
