"""The fields of a filter over scheduled events, kept in the page's URL.

So a filter can be linked to, and the back button restores it. An invalid value (an unknown pico, an invalid
time) is reported at its field and leaves the page unchanged.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from nicegui import ui
from nicegui.elements.input import Input
from nicegui.elements.select import Select

from picosched.engine.engine import Engine
from picosched.errors import PicoschedError
from picosched.schedule.filter import Filter
from picosched.schedule.scheduled import COMING, SCHEDULES, Status
from picosched.web.console.frame import Console
from picosched.web.console.local_time import read_local, reader_zone, time_field

T = TypeVar("T")

ANY = ""
STATUSES = {"coming": "to come", **{each.value: each.value for each in Status}, "all": "all"}
KINDS = {ANY: "any kind", **{each: each for each in SCHEDULES}}

LABELS = {
    "text": "Text",
    "pico": "Pico",
    "rid": "Ruleset",
    "event": "Event",
    "since": "Due from",
    "until": "Due until",
}
HINTS = {
    "text": "in event, attributes, name, timespec…",
    "pico": "name or id",
    "event": "domain or domain:type",
    "since": "2026-03-01 09:00",
    "until": "2026-03-08",
}
MOST_HINTED = 200
"""Picos and rulesets offered for completion; others can be typed as well."""


class Filters:
    """Fields from `LABELS`, "kind" and "status"; `changed` is called when the filter changes."""

    def __init__(
        self,
        console: Console,
        fields: Sequence[str],
        given: Mapping[str, str],
        changed: Callable[[], Awaitable[None]],
    ) -> None:
        self._console = console
        self._changed = changed
        self._fields: dict[str, Input | Select] = {}
        for name in fields:
            value = given.get(name, "")[:200]
            if name == "status":
                status = value if value in STATUSES else "coming"
                self._fields[name] = ui.select(STATUSES, label="Status", value=status, on_change=self._change)
            elif name == "kind":
                kind = value if value in KINDS else ANY
                self._fields[name] = ui.select(KINDS, label="Kind", value=kind, on_change=self._change)
            else:
                label, hint = LABELS[name], HINTS.get(name, "")
                if name in ("since", "until"):
                    field = time_field(label, value, hint)
                else:
                    field = ui.input(label, value=value, placeholder=hint)
                field.props("debounce=350 clearable maxlength=200").on_value_change(self._change)
                self._fields[name] = field.classes("filter" if name == "text" else "")

    async def offer(self) -> None:
        """Offer existing names for completion."""
        if not {"pico", "rid"} & {*self._fields}:
            return
        picos, rids = await self._console.run(lambda: _names(self._console.engine))
        for name, names in (("pico", picos), ("rid", rids)):
            field = self._fields.get(name)
            if isinstance(field, Input):
                field.set_autocomplete(names)

    @property
    def given(self) -> dict[str, str]:
        """The field values, as in the URL."""
        found = {name: (field.value or "").strip() for name, field in self._fields.items()}
        return {name: value for name, value in found.items() if value and value != "coming"}

    @property
    def query(self) -> str:
        return urlencode(self.given)

    async def filter(self) -> Filter | None:
        """The filter; None if it is invalid, with the reason shown at the field."""
        given, zone = self.given, reader_zone()
        for field in self._fields.values():
            if isinstance(field, Input):
                field.error = None
        try:
            return await self._console.run(lambda: filter_of(self._console.engine, given, zone))
        except PicoschedError as error:
            faulty = self._fields.get(getattr(error, "field", "text"))
            if isinstance(faulty, Input):
                faulty.error = error.message
            return None

    async def _change(self) -> None:
        await self._changed()


class FieldError(PicoschedError):
    """An error in one field of a filter."""

    def __init__(self, field: str, cause: PicoschedError) -> None:
        super().__init__(cause.message, cause.code)
        self.field = field


def filter_of(engine: Engine, given: Mapping[str, str], zone: ZoneInfo) -> Filter:
    """The filter for these field values, with times in the reader's zone. FieldError for an invalid one."""
    domain, _, type = given.get("event", "").partition(":")
    status = given.get("status", "coming")
    statuses = COMING if status == "coming" else () if status == "all" else (Status(status),)
    pico, since, until = given.get("pico"), given.get("since"), given.get("until")
    return Filter(
        pico_id=_read("pico", lambda: engine.pico(pico).id) if pico else None,
        rid=given.get("rid") or None,
        domain=domain or None,
        type=type or None,
        kind=given.get("kind") or None,
        status=statuses,
        text=given.get("text") or None,
        since=_read("since", lambda: read_local(since, zone)) if since else None,
        until=_read("until", lambda: read_local(until, zone)) if until else None,
    )


def _read(field: str, read: Callable[[], T]) -> T:
    try:
        return read()
    except PicoschedError as cause:
        raise FieldError(field, cause) from cause


def _names(engine: Engine) -> tuple[list[str], list[str]]:
    pages = engine.store.pages
    picos = engine.read(lambda: pages.picos(None, MOST_HINTED)).items
    rids = engine.read(lambda: pages.rulesets(MOST_HINTED))
    return [each.name or each.id for each in picos], [*dict.fromkeys(each.rid for each in rids)]


def remember(path: str, query: str) -> None:
    """Put a filter into the URL, without navigating."""
    ui.navigate.history.replace(f"{path}?{query}" if query else path)
