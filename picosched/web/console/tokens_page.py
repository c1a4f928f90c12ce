"""Tokens: who may use this server, in which role, and until when. For authors."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from nicegui import ui

from picosched.acting import Role
from picosched.notation import time_or_later
from picosched.tokens import Token
from picosched.web.console.elsewhere import missing
from picosched.web.console.frame import Console, every, frame, notify
from picosched.web.console.local_time import read_local, reader_zone
from picosched.web.console.parts import (
    Cell,
    Column,
    Listing,
    box,
    button,
    confirmed,
    empty,
    panel,
    show_either,
    text,
    time_cell,
)

HERE = "/tokens"

COLUMNS = (
    Column("name", "Name"),
    Column("role", "Role"),
    Column("state", "State"),
    Column("expires", "Expires", "time"),
    Column("made", "Made", "time"),
    Column("by", "By"),
    Column("do", "Actions", "actions"),
)
REVOKE = {"name": "revoke", "text": "Revoke…", "tone": "danger", "needs": "revoked"}
ROLES = {
    Role.READ.value: "read: look at everything",
    Role.OPERATE.value: "operate: also raise events, steer schedules and deliveries",
    Role.AUTHOR.value: "author: also install rulesets, make picos, channels and tokens",
}


def add_pages(console: Console) -> None:
    """The list of tokens, and a form that makes one."""

    @console.page(HERE)
    async def tokens() -> None:
        if not console.engine.by.may("made"):
            missing(console, "Tokens are for authors", "Your token has another role.", status=403)
            return
        with frame(console, "Tokens", HERE):
            with box("head"):
                text("h1", "Tokens")
            page = _Tokens(console)
            with console.telling_errors():
                await page.refresh()
        every(console, 1.0, page.refresh)


class _Tokens:
    def __init__(self, console: Console) -> None:
        self._console = console
        self._home = ui.element("div").classes("apart")
        """Parent of dialogs."""
        with panel("A new token"):
            with box("filter-bar few"):
                self._name = ui.input("Name").props("autocomplete=off maxlength=64")
                self._role = ui.select(ROLES, value=Role.READ.value, label="Role").classes("grow")
                self._until = ui.input("Expires", placeholder="30d or a time; empty: never")
                for field in (self._name, self._until):
                    field.props("stack-label")  # so that the hint is seen, and the labels stand in a line
            with box("line"):
                button("Create", self._make, "primary", needs="made")
            self._told = ui.element("div").props("aria-live=polite")
        with panel("Named tokens"):
            self._list = Listing("Tokens", COLUMNS)
            self._list.on_act(self._revoke)
            self._nothing = empty("No named tokens", "There is only the owner's, which may do everything.")

    async def refresh(self) -> None:
        engine = self._console.engine
        found = await self._console.run(engine.tokens)
        self._list.show([_row(each, engine.now()) for each in found])
        show_either(self._list, self._nothing, bool(found))

    async def _make(self) -> None:
        engine, read = self._console.engine, partial(read_local, zone=reader_zone())
        name, role, given = self._name.value.strip(), str(self._role.value), (self._until.value or "").strip()
        with self._console.telling_errors():
            until = time_or_later(given, engine.now(), read) if given else None
            token, made = await self._console.run(lambda: engine.make_token(name, role, until))
            self._told.clear()
            with self._told:
                text("p", f"The token of {made.name}, shown only now:", "small")
                text("pre", token, "mono")
            self._name.set_value("")
            await self.refresh()

    async def _revoke(self, _action: str, name: str) -> None:
        engine = self._console.engine
        with self._home, self._console.telling_errors():
            more = "It is not valid any more, and pages opened with it end."
            if await confirmed(f"Revoke the token {name}?", more, "Revoke"):
                done = await self._console.run(lambda: engine.revoke_token(name))
                notify(f"{name} is revoked" if done else "It is gone already", "good" if done else "warn")
                await self.refresh()


def _row(token: Token, now: datetime) -> Mapping[str, Cell]:
    state = token.state(now)
    return {
        "key": token.name,
        "name": token.name,
        "role": token.role.value,
        "state": {"text": state, "tone": "good" if state == "valid" else "quiet"},
        "expires": time_cell(token.expires),
        "made": time_cell(token.made),
        "by": token.made_by,
        "do": [REVOKE],
    }
