"""Windows that all rulesets see: which are open, when they open and close next, and what depends on them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from picosched.engine.engine import Engine
from picosched.engine.windows import listed
from picosched.errors import PicoschedError
from picosched.schedule.window_state import WindowState
from picosched.web.console.frame import Console, notify
from picosched.web.console.list_page import ListPage, Section, add_list
from picosched.web.console.parts import (
    Cell,
    Column,
    badge_cell,
    button,
    confirmed,
    empty,
    time_cell,
)
from picosched.web.console.window_dialog import ask_window

HERE = "/windows"

COLUMNS = (
    Column("name", "Window"),
    Column("state", "Now"),
    Column("next_opening", "Next opening", "time"),
    Column("next_closing", "Next closing", "time"),
    Column("from", "From", "mono"),
    Column("to", "To", "mono"),
    Column("tz", "Zone"),
    Column("uses", "Used by"),
    Column("by", "Made by"),
    Column("do", "Actions", "actions"),
)
CHANGE = {"name": "change", "text": "Change…", "tone": "", "needs": "changed"}
REMOVE = {"name": "remove", "text": "Remove…", "tone": "danger", "needs": "removed"}
NOTE = "Windows that rulesets declare are not listed: each belongs to its ruleset."


def add_pages(console: Console) -> None:
    """The list of windows, and the dialog that makes one."""
    section = Section("Spans of time", "Windows", COLUMNS, Engine.windows, _row, _nothing, note=NOTE)
    add_list(console, HERE, "Windows", section, act=_act, head=_head, seconds=5.0)


def _head(page: ListPage) -> None:
    button("New window…", partial(_make, page), "primary", needs="added")


def _nothing(page: ListPage) -> None:
    more = (
        "A window is a named span of time, such as office hours. Rules ask whether it is open, and schedules "
        "can be tied to it."
    )
    with empty("There are no windows", more):
        button("Make a window…", partial(_make, page), "primary", needs="added")


async def _make(page: ListPage) -> None:
    await page.make(ask_window, "The window is made")


async def _act(page: ListPage, action: str, name: str) -> None:
    engine = page.console.engine
    with page.home, page.console.telling_errors():
        if action == "change":
            found = await page.console.run(engine.windows)
            old = next((each for each in found if each.name == name), None)
            if old is None:
                raise PicoschedError(f"there is no window {name}", "not_found")
            if await ask_window(page.console, old):
                notify("The window is changed")
        else:
            users = await page.console.run(lambda: engine.window_users(name))
            if await confirmed(f"Remove the window {name}?", _what_fails(users), "Remove it"):
                if not await page.console.run(lambda: engine.remove_window(name, force=bool(users))):
                    raise PicoschedError(f"there is no window {name}", "not_found")
                notify("The window is removed")
        await page.refresh()


def _what_fails(users: Sequence[str]) -> str:
    """What removing a window does."""
    if not users:
        return "Nothing depends on it."
    return (
        f"In use by {listed(users)}. Occurrences that are tied to it will fail, and so will "
        "rules that ask for it; its edges are raised no more."
    )


def _row(state: WindowState) -> Mapping[str, Cell]:
    now = {"text": "open", "tone": "good"} if state.open else {"text": "closed", "tone": "quiet"}
    return {
        "key": state.name,
        "name": state.name,
        "state": now if state.fault is None else badge_cell("failed", state.fault),
        "next_opening": time_cell(state.next_opening),
        "next_closing": time_cell(state.next_closing),
        "from": state.opens,
        "to": state.closes,
        "tz": state.tz,
        "uses": state.uses.words,
        "by": state.made_by or "the settings",
        "do": [] if state.configured else [CHANGE, REMOVE],
    }
