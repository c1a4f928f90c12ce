"""One pico: its family, rulesets, channels and state; its scheduled events, fires and turns."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from nicegui import ui

from picosched.engine.pico import PicoRef
from picosched.errors import PicoschedError
from picosched.pico.channel import Channel, Policy
from picosched.store.picos import InstalledRow, PicoRow
from picosched.web.console.asking_form import AskingForm
from picosched.web.console.elsewhere import missing
from picosched.web.console.following import Wanted
from picosched.web.console.frame import Console, every, frame, notify
from picosched.web.console.parts import (
    AT_WORK,
    Cell,
    Column,
    JsonTree,
    Listing,
    badge_cell,
    box,
    button,
    confirmed,
    empty,
    event_path,
    late_cell,
    link_cell,
    long_name,
    moment,
    panel,
    pico_path,
    ruleset_path,
    show_either,
    text,
    time_cell,
    when_text,
)
from picosched.web.console.pico_dialogs import ask_channel, ask_child, ask_ruleset
from picosched.web.console.pico_seen import Seen, look, state_of
from picosched.web.console.schedule_page import schedule_path
from picosched.web.console.turns_listed import TurnsListed

SECONDS = 1.5

RULESETS = (
    Column("rid", "Ruleset", "mono"),
    Column("origin", "From"),
    Column("hash", "Hash", "mono"),
    Column("acts", "Actions", "actions"),
)
CHANNELS = (
    Column("eci", "Eci", "mono"),
    Column("tags", "Tags"),
    Column("events", "Events", "mono"),
    Column("queries", "Queries", "mono"),
    Column("acts", "Actions", "actions"),
)
CHILDREN = (Column("name", "Child"), Column("created", "Made", "time"), Column("id", "Id", "mono"))
SCHEDULED = (
    Column("due", "Due", "time"),
    Column("event", "Event", "mono"),
    Column("when", "When", "mono"),
    Column("rule", "Made by", "mono"),
    Column("status", "State"),
)
HISTORY = (
    Column("fired", "Fired", "time"),
    Column("event", "Event", "mono"),
    Column("outcome", "Outcome"),
    Column("late", "Late", "number"),
    Column("why", "Why", "prose"),
)


def add_pages(console: Console) -> None:
    @console.page("/picos/{id}")
    async def one_pico(id: str) -> None:
        try:
            seen = await console.run(lambda: look(console.engine, id))
        except PicoschedError as error:
            what = f"There is no pico “{id[:100]}”" if error.code == "not_found" else error.message
            missing(console, what, "It may have been deleted.", "/picos")
            return
        with frame(console, seen.row.name, "/picos"), console.telling_errors():
            page = _PicoPage(console, seen)
            await page.refresh(seen)
            every(console, SECONDS, page.refresh)
            await page.form.use(id)


class _PicoPage:
    """The page and its buttons."""

    def __init__(self, console: Console, seen: Seen) -> None:
        self._console = console
        self._pico = PicoRef(seen.row.id, seen.row.name, console.engine)
        self._turn = -1
        self._head(seen)
        with ui.element("details").classes("panel"):
            text("summary", "Raise an event, ask a function")
            self.form = AskingForm(console)
        with box("grid"):
            with panel("Scheduled", "") as self._scheduled_side:
                self._scheduled = Listing("Scheduled events", SCHEDULED)
                self._nothing_scheduled = empty(
                    "Nothing is scheduled here.", "Rules schedule events in their postlude."
                )
            with panel("History"):
                self._history = Listing("Latest fires", HISTORY)
                self._nothing_came = empty(
                    "Nothing has come due here yet.", "Each occurrence will appear here."
                )
        with box("grid"):
            with panel("Rulesets"):
                self._rulesets = Listing("Rulesets", RULESETS)
                self._rulesets.on_act(self._act_on_ruleset)
                self._button("Install…", ask_ruleset, "installed")
                ui.link("Write one in the editor", f"/edit?pico={self._pico.id}").classes("small")
            with panel("State", "read only"):
                self._state = ui.element("div").classes("stack")
        with panel("Channels"):
            self._channels = Listing("Channels", CHANNELS)
            self._channels.on_act(self._delete_channel)
            self._no_channels = empty("No channels.", "Others use this pico through a channel, by its eci.")
            self._button("New channel…", ask_channel, "made")
        with panel("Children"):
            self._children = Listing("Children", CHILDREN)
            self._no_children = empty(
                "No children.", "A pico can have any number; rules can create them too."
            )
            self._button("New child…", ask_child, "made")
        with panel("Journal", "live"):
            self._turns = TurnsListed(console, with_pico=False, most=25)
        self._wanted = Wanted(pico_id=seen.row.id)

    async def refresh(self, seen: Seen | None = None) -> None:
        """Show the current state."""
        id = self._pico.id
        found = await self._console.run(lambda: look(self._console.engine, id)) if seen is None else seen
        self._rulesets.show([_ruleset_row(each, id) for each in found.installed])
        self._channels.show([_channel_row(each) for each in found.channels])
        self._children.show([_child_row(each) for each in found.children])
        show_either(self._channels, self._no_channels, bool(found.channels))
        show_either(self._children, self._no_children, bool(found.children))
        self._show_scheduled(found)
        if found.last_turn != self._turn:
            if self._turn < 0:
                await self._turns.follow(self._wanted)
            else:
                await self._turns.refresh()
            self._turn = found.last_turn
            await self._show_state()

    # Parts

    def _head(self, seen: Seen) -> None:
        with box("head"):
            with ui.element("nav").classes("crumbs").props('aria-label="Ancestors"'):
                for each in seen.path:
                    ui.link(each.name or each.id, pico_path(each.id))
                long_name("h1", seen.row.name or "(no name)")
            with box("line"):
                text("span", seen.row.id, "mono muted")
                with ui.element("span"):
                    text("span", "made ", "muted small")
                    moment(seen.row.created)
                ui.link("schedules", f"/schedules?pico={seen.row.id}")
                ui.link("journal", f"/journal?pico={seen.row.id}")
                if seen.path:
                    button("Delete…", self._delete, "danger", needs="deleted")

    def _button(self, words: str, ask: Callable[[Console, PicoRef], Awaitable[bool]], needs: str) -> None:
        async def called() -> None:
            with self._console.telling_errors():
                if await ask(self._console, self._pico):
                    await self.refresh()
                    await self.form.use(self._pico.id)

        with box("button-row"):
            button(words, called, "small", needs=needs)

    def _show_scheduled(self, seen: Seen) -> None:
        self._scheduled.show(
            [
                {
                    "key": each.id,
                    "href": schedule_path(each.id),
                    "due": time_cell(each.due),
                    "event": link_cell(f"{each.domain}:{each.type}", schedule_path(each.id), "the schedule"),
                    "when": when_text(each),
                    "status": badge_cell(each.state, AT_WORK if each.held else None) if each.paused else None,
                    "rule": link_cell(each.made_by, ruleset_path(each.rid, each.pico_id, each.line)),
                }
                for each in seen.scheduled
            ]
        )
        self._history.show(
            [
                {
                    "key": f"{fire.id} {time_cell(fire.nominal)}",
                    "href": None if fire.eid is None else event_path(fire.eid),
                    "fired": time_cell(fire.fired),
                    "event": _event_cell(fire.eid, "–" if row is None else f"{row.domain}:{row.type}"),
                    "outcome": badge_cell(fire.outcome.value),
                    "late": late_cell(fire),
                    "why": fire.why,
                }
                for fire, row in seen.history
            ]
        )
        assert self._scheduled_side is not None
        self._scheduled_side.show(f"the next {len(seen.scheduled)}" if seen.more_scheduled else "")
        show_either(self._scheduled, self._nothing_scheduled, bool(seen.scheduled))
        show_either(self._history, self._nothing_came, bool(seen.history))

    async def _show_state(self) -> None:
        id = self._pico.id
        state = await self._console.run(lambda: state_of(self._console.engine, id))
        self._state.clear()
        with self._state:
            for rid, values in state.items():
                with box("stack-small"):
                    long_name("h3", rid, "mono")
                    JsonTree(values)
            if not state:
                empty(
                    "No entity variables.",
                    "Rules store state in entity variables, ent:name.",
                )

    # What buttons do

    async def _act_on_ruleset(self, action: str, rid: str) -> None:
        more = "Its variables are deleted, its schedules cancelled."
        with self._console.telling_errors():
            if await confirmed(f"Uninstall {rid} from {self._pico.name}?", more, "Uninstall"):
                await self._console.run(lambda: self._pico.uninstall(rid))
                notify(f"{rid} was uninstalled.")
                await self.refresh()
                await self._show_state()

    async def _delete_channel(self, action: str, eci: str) -> None:
        more = "Its users can no longer raise events or run queries through it."
        with self._console.telling_errors():
            if await confirmed(f"Delete the channel {eci}?", more, "Delete"):
                await self._console.run(lambda: self._pico.delete_channel(eci))
                await self.refresh()
                await self.form.use(self._pico.id)

    async def _delete(self) -> None:
        more = (
            "Its descendants are deleted too, and all their schedules are cancelled. This cannot be undone."
        )
        with self._console.telling_errors():
            if await confirmed(f"Delete the pico {self._pico.name}?", more, "Delete"):
                await self._console.run(self._pico.delete)
                ui.navigate.to("/picos")


def _event_cell(eid: str | None, event: str) -> Cell:
    return event if eid is None else link_cell(event, event_path(eid), "its turn")


def _ruleset_row(row: InstalledRow, pico_id: str) -> dict[str, Cell]:
    origin = row.origin or "text"
    return {
        "key": row.rid,
        "href": ruleset_path(row.rid, pico_id),
        "rid": link_cell(row.rid, ruleset_path(row.rid, pico_id)),
        "origin": {"text": origin.rpartition("/")[2] or origin, "title": origin},
        "hash": {"text": row.hash[:8], "title": row.hash},
        "acts": [{"name": "uninstall", "text": "Uninstall", "tone": "danger", "needs": "uninstalled"}],
    }


DELETE = {"name": "delete", "text": "Delete", "tone": "danger", "needs": "deleted"}


def _channel_row(channel: Channel) -> dict[str, Cell]:
    tags = ", ".join(channel.tags)
    return {
        "key": channel.eci,
        "eci": channel.eci,
        "tags": "family" if channel.kin else tags,
        "events": _policy(channel.events),
        "queries": _policy(channel.queries),
        "acts": [] if channel.kin else [DELETE],
    }


def _policy(policy: Policy) -> dict[str, str]:
    """The first patterns, and all of them on hover."""
    return {"text": str(policy), "title": "\n".join(policy.patterns)}


def _child_row(row: PicoRow) -> dict[str, Cell]:
    return {
        "key": row.id,
        "href": pico_path(row.id),
        "name": link_cell(row.name or "(no name)", pico_path(row.id)),
        "created": time_cell(row.created),
        "id": row.id,
    }
