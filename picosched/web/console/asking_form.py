"""The form that raises an event or runs a query in a pico, and shows the result."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from nicegui import app, ui

from picosched.clock import format_time
from picosched.errors import PicoschedError
from picosched.notation import parse_map
from picosched.pico.turn import Turn
from picosched.web.console.frame import Console, connected
from picosched.web.console.offers import Offer, Offers, offers_of
from picosched.web.console.parts import (
    Cell,
    Column,
    JsonTree,
    Listing,
    box,
    button,
    empty,
    event_path,
    fault_in,
    panel,
    permitted,
    show_either,
    text,
    turn_off,
)
from picosched.web.console.turn_shown import Told, show_told, summary

TRUSTED = ""
MOST_OFFERED = 12
MOST_KEPT = 50

RAISED = (
    Column("at", "When", "time"),
    Column("what", "What", "mono"),
    Column("with", "With", "mono"),
    Column("told", "Result", "prose"),
    Column("acts", "Again", "actions"),
)


class AskingForm:
    """The form, for the pico set by `use`."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._pico_id = ""
        self._offers = Offers([], [], [])
        self._kept: list[dict[str, Any]] = []
        with box("stack"):
            with box("line"):
                self._kind = ui.toggle(
                    {"event": "Raise an event", "query": "Ask a function"},
                    value="event",
                    on_change=self._show_offers,
                ).props("no-caps unelevated toggle-color=primary toggle-text-color=dark")
            with box("line"):
                self._name = (
                    ui.input("domain:type").classes("grow mono").props("autocomplete=off spellcheck=false")
                )
                self._through = ui.select({TRUSTED: "trusted, no channel"}, value=TRUSTED, label="Through")
                self._through.classes("grow")
            self._tags = ui.element("div").classes("button-row")
            self._values = ui.textarea(
                "Attributes, as JSON",
                value="{}",
                validation=lambda words: fault_in(lambda: parse_map(words.strip() or "{}", "values")),
            )
            self._values.classes("mono").props("autogrow spellcheck=false input-style='min-height: 60px'")
            self._values.on("keydown.ctrl.enter", self._go)
            self._name.on("keydown.enter", self._go)
            with box("line"):
                self._button = button("Raise", self._go, "primary")
                text("span", "Enter, or Ctrl+Enter in the attributes", "muted small")
            self._answer = ui.element("div").props("aria-live=polite")

    async def use(self, pico_id: str) -> None:
        """Work on this pico."""
        self._pico_id = pico_id
        with self._console.telling_errors():
            self._offers = await self._console.run(lambda: offers_of(self._console.engine, pico_id))
        channels = {
            each.eci: f"{', '.join(each.tags) or 'channel'} · {each.eci[:8]}…"
            for each in self._offers.channels
        }
        self._through.set_options({TRUSTED: "trusted, no channel", **channels}, value=TRUSTED)
        self._show_offers()

    def fill(self, kind: str, name: str, values: str) -> None:
        """Fill the fields with an event or query."""
        self._kind.value = kind
        self._name.value, self._values.value = name, values

    async def keep_history(self, place: Callable[[], ui.element]) -> None:
        """Show in `place` what was raised in this browser tab, and store it there."""
        if not await connected():
            return
        self._kept = app.storage.tab.setdefault("raised", [])
        with place():
            self._history = Listing("What was raised in this tab", RAISED)
            self._history.on_act(self._again)
            self._nothing = empty("Nothing yet.", "What you raise and ask in this tab is listed here.")
        self._show_history()

    def _show_offers(self) -> None:
        event = self._kind.value == "event"
        self._name.props["label"] = "domain:type" if event else "rid:function"
        self._values.props["label"] = "Attributes, as JSON" if event else "Arguments, as JSON"
        self._button._text = "Raise" if event else "Ask"
        turn_off(self._button, "raised" if event else None)
        self._button.update()
        self._list_offers(MOST_OFFERED)

    def _list_offers(self, most: int) -> None:
        offers = self._offers.events if self._kind.value == "event" else self._offers.queries
        self._tags.clear()
        with self._tags:
            for offer in offers[:most]:
                self._offer(offer)
            if len(offers) > most:
                button(f"{len(offers) - most} more…", lambda: self._list_offers(len(offers)), "small")

    def _offer(self, offer: Offer) -> None:
        made = button(
            offer.name, lambda: self.fill(self._kind.value, offer.name, offer.skeleton), "small mono"
        )
        if offer.takes:
            made.props["title"] = ", ".join(offer.takes)

    async def _go(self) -> None:
        if not (permitted(self._button.needs) and self._values.validate()):
            return
        kind, name, words = self._kind.value, self._name.value.strip(), self._values.value
        told = ""
        try:
            first, second = _two(name)
            values = parse_map(words.strip() or "{}", "values")
            self._answer.clear()
            if kind == "event":
                turn = await self._console.run(lambda: self._raise(first, second, values))
                handled = Told.of_turn(turn).handled
                told = summary(handled, len(turn.directives), len(turn.errors))
                with self._answer:
                    _show_turn(turn, told)
            else:
                value = await self._console.run(lambda: self._ask(first, second, values))
                told = "answered"
                with self._answer, panel("Answer"):
                    JsonTree(value)
        except PicoschedError as error:
            told = str(error)
            self._answer.clear()
            with self._answer:
                text("pre", told, "fault")
        self._keep(kind, name, words, told)

    def _raise(self, domain: str, type: str, attrs: dict[str, Any]) -> Turn:
        engine, eci = self._console.engine, self._through.value
        if eci:
            return engine.raise_event(eci, domain, type, attrs)
        return engine.pico(self._pico_id).raise_event(domain, type, attrs)

    def _ask(self, rid: str, name: str, args: dict[str, Any]) -> Any:
        engine, eci = self._console.engine, self._through.value
        if eci:
            return engine.query(eci, rid, name, args)
        return engine.pico(self._pico_id).query(rid, name, args)

    # History

    def _keep(self, kind: str, name: str, words: str, told: str) -> None:
        at = format_time(self._console.engine.now())
        new = {"at": at, "kind": kind, "name": name, "values": words, "told": told, "pico": self._pico_id}
        self._kept.insert(0, new)
        del self._kept[MOST_KEPT:]
        self._show_history()

    def _show_history(self) -> None:
        if not hasattr(self, "_history"):
            return
        self._history.show([_kept_row(str(place), each) for place, each in enumerate(self._kept)])
        show_either(self._history, self._nothing, bool(self._kept))

    def _again(self, action: str, key: str) -> None:
        each = self._kept[int(key)]
        self.fill(each["kind"], each["name"], each["values"])


def _kept_row(key: str, each: dict[str, Any]) -> dict[str, Cell]:
    return {
        "key": key,
        "at": each["at"],
        "what": each["name"],
        "with": " ".join(each["values"].split())[:200],
        "told": each["told"][:300],
        "acts": [{"name": "again", "text": "Again", "title": "Put it into the form"}],
    }


def _show_turn(turn: Turn, told: str) -> None:
    with panel("Turn", told):
        ui.link(turn.eid, event_path(turn.eid)).classes("mono small")
        show_told(Told.of_turn(turn))


def _two(name: str) -> tuple[str, str]:
    first, colon, second = name.partition(":")
    if not (colon and first.strip() and second.strip()):
        raise PicoschedError(f'found "{name}", wanted two names separated by a colon')
    return first.strip(), second.strip()
