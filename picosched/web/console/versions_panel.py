"""The versions of a ruleset on a pico: what each changed, and the way back."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping

from nicegui import ui

from picosched.versions import Version
from picosched.web.console.frame import Console, notify
from picosched.web.console.parts import (
    Cell,
    Column,
    Listing,
    badge_cell,
    box,
    button,
    confirmed,
    named_dialog,
    panel,
    text,
    time_cell,
)

COLUMNS = (
    Column("hash", "Version", "mono"),
    Column("at", "Installed", "time"),
    Column("by", "By"),
    Column("origin", "From"),
    Column("state", "State"),
    Column("do", "Actions", "actions"),
)
COMPARE = {"name": "diff", "text": "Compare", "title": "what changed from it to the installed text"}
BACK = {"name": "back", "text": "Go back…", "tone": "danger", "needs": "installed"}


class VersionsPanel:
    """The versions of a ruleset on the pico of the page; `changed` is called after going back."""

    def __init__(
        self, console: Console, rid: str, pico_id: str, changed: Callable[[], Awaitable[None]]
    ) -> None:
        self._console = console
        self._rid, self._pico_id = rid, pico_id
        self._changed = changed
        self._home = ui.element("div").classes("apart")
        """Parent of dialogs."""
        with panel("Versions", "the latest first"):
            self._list = Listing("Versions", COLUMNS)
            self._list.on_act(self._act)

    async def refresh(self) -> None:
        engine = self._console.engine
        found = await self._console.run(lambda: engine.pico(self._pico_id).versions(self._rid))
        self._list.show([_row(each, found[0]) for each in found])

    async def _act(self, action: str, seq: str) -> None:
        engine, rid = self._console.engine, self._rid
        with self._home, self._console.telling_errors():
            pico = await self._console.run(lambda: engine.pico(self._pico_id))
            known = await self._console.run(lambda: pico.versions(rid))
            chosen = next((each for each in known if str(each.seq) == seq), None)
            if chosen is None:
                notify("That version is not kept any more", "warn")
                return
            diff = await self._console.run(lambda: pico.diff(rid, hash=chosen.hash))
            if action == "diff":
                _show(f"From {chosen.hash[:8]} to the installed text", diff or "nothing differs")
                return
            more = f"{pico.name} gets this version of {rid} again. Variables and schedules stay."
            if await confirmed(f"Go back to {chosen.hash[:8]}?", more, "Go back"):
                await self._console.run(lambda: pico.go_back(rid, chosen.hash))
                notify(f"{rid} {chosen.hash[:8]} is installed again on {pico.name}")
                await self.refresh()
                await self._changed()


def _show(title: str, diff: str) -> None:
    with named_dialog(title) as dialog, ui.card().style("width: min(760px, 94vw)"):
        text("h2", title)
        text("pre", diff, "mono diff")
        with box("dialog-buttons"):
            button("Close", dialog.close)
    dialog.on("hide", dialog.delete)
    dialog.open()


def _row(version: Version, installed: Version) -> Mapping[str, Cell]:
    same = version.hash == installed.hash
    return {
        "key": str(version.seq),
        "hash": {"text": version.hash[:8], "title": version.hash},
        "at": time_cell(version.at),
        "by": version.by,
        "origin": version.origin,
        "state": badge_cell("installed") if version is installed or same else None,
        "do": [] if same else [COMPARE, BACK],
    }
