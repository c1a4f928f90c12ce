"""The scheduled events of a server, with the method names of Agenda."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from picosched.clock import parse_time
from picosched.engine.reached import OfPico
from picosched.errors import PicoschedError
from picosched.fields import Fields
from picosched.pico.turn import Turn
from picosched.remote.line import Line, part, time_text
from picosched.remote.told import read_turn
from picosched.schedule.backfill import Past
from picosched.schedule.explained import Explained
from picosched.schedule.filter import Filter
from picosched.schedule.fire import UNKNOWN, Fire, Label
from picosched.schedule.retold import read_fire, read_row
from picosched.schedule.scheduled import Outcome, Scheduled, Status
from picosched.timespec.timespec import FreeDay

AT_ONCE = 1_000
"""Rows changed by one request."""


class RemoteAgenda:
    """The scheduled events of a server."""

    def __init__(self, line: Line) -> None:
        self._line = line
        self._names: dict[str, str] = {}
        self._labels: dict[str, Label] = {}
        self._shut: dict[str, str] = {}

    def scheduled(self, which: Filter, limit: int | None = None) -> list[Scheduled]:
        """The scheduled events that match a filter, soonest first."""
        return [self._row(told) for told in self._line.pages("/api/scheduled", params_of(which), limit)]

    def count(self, which: Filter) -> int:
        params = {**params_of(which), "count": True, "limit": 1}
        return int(self._line.ask("GET", "/api/scheduled", params)["total"])

    def find(self, id: str) -> Scheduled | None:
        """The scheduled event with that id; None if there is none."""
        try:
            return self.load(id)
        except PicoschedError as error:
            if error.code != "not_found":
                raise
            return None

    def load(self, id: str) -> Scheduled:
        """The scheduled event with that id; `not_found` if there is none."""
        return self._row(self._line.ask("GET", f"/api/scheduled/{part(id)}"))

    def next_times(self, id: str, count: int = 5) -> list[datetime]:
        """When it will be raised next, at most `count` times."""
        if not count:
            return []
        told = self._line.ask("GET", f"/api/scheduled/{part(id)}/next", {"n": count})
        return [parse_time(each) for each in told["next"]]

    def explained(self, id: str) -> Explained:
        """Its timespec in words, as the server reads it."""
        told = Fields(
            self._line.ask("GET", f"/api/scheduled/{part(id)}/next", {"n": 1}), "the server's answer"
        )
        left_out = (
            FreeDay(date.fromisoformat(each.text("day")), each.text("why")) for each in told.each("left_out")
        )
        ending, shut = told.maybe_text("ending"), told.maybe_text("shut")
        return Explained(told.text("explain"), tuple(left_out), ending, shut)

    def ids_like(self, beginning: str, *, live: bool = False) -> list[str]:
        """The ids with this prefix; with `live`, of pending and paused rows only."""
        if not 0 < len(beginning) <= 64:
            return []
        ids: list[str] = self._line.ask("GET", "/api/ids", {"beginning": beginning, "live": live})
        return ids

    def history(
        self,
        pico_id: str | None = None,
        id: str | None = None,
        limit: int = 100,
        outcome: str | None = None,
    ) -> list[Fire]:
        """The record of occurrences, newest first."""
        found = self._line.pages("/api/history", {"pico": pico_id, "id": id, "outcome": outcome}, limit)
        return [self._fire(Fields(told, "the server's fire"), self.learn(told)) for told in found]

    def names(self, rows: Iterable[OfPico]) -> Mapping[str, str]:
        """Pico id → name, for the picos of these rows, as the server sent it with them."""
        return {each.pico_id: self._names.get(each.pico_id, each.pico_id) for each in rows}

    def shut(self, rows: Sequence[Scheduled]) -> Mapping[str, str]:
        """Id → why its window stays closed, as the server sent it with these rows."""
        return {each.id: self._shut[each.id] for each in rows if each.id in self._shut}

    def labels(self, fires: Iterable[Fire]) -> Mapping[str, Label]:
        """Schedule id → its event and name, as the server sent them with these records."""
        return {each.id: self._labels.get(each.id, UNKNOWN) for each in fires}

    def _fire(self, told: Fields, pico_id: str) -> Fire:
        fire = read_fire(told, pico_id)
        self._labels[fire.id] = Label(told.maybe_text("event"), told.maybe_text("name"))
        return fire

    def learn(self, told: Mapping[str, Any]) -> str:
        """Remember the pico name in a server's answer; returns the pico's id."""
        id: str = told["pico_id"]
        self._names[id] = told["pico"]
        return id

    # Changing

    def cancel(
        self, which: Iterable[str], reason: str | None = None, *, dry_run: bool = False
    ) -> list[Scheduled]:
        return self._change(which, dry_run, change="cancel", reason=reason)

    def pause(
        self, which: Iterable[str], until: str | datetime | None = None, *, dry_run: bool = False
    ) -> list[Scheduled]:
        return self._change(which, dry_run, change="pause", until=time_text(until))

    def resume(self, which: Iterable[str], *, dry_run: bool = False) -> list[Scheduled]:
        return self._change(which, dry_run, change="resume")

    def move(
        self, which: Iterable[str], to: str | datetime | timedelta, *, dry_run: bool = False
    ) -> list[Scheduled]:
        if isinstance(to, timedelta):
            return self._change(which, dry_run, change="move", by=_duration(to))
        return self._change(which, dry_run, change="move", to=time_text(to))

    def reschedule(
        self, which: Iterable[str], timespec: str, tz: str | None = None, *, dry_run: bool = False
    ) -> list[Scheduled]:
        return self._change(which, dry_run, change="reschedule", timespec=timespec, tz=tz)

    def fire_now(self, id: str) -> Turn:
        """Raise its event now, outside its times; returns its turn."""
        return read_turn(self._line.ask("POST", f"/api/scheduled/{part(id)}/fire"))

    def backfill(
        self, id: str, since: str | datetime, until: str | datetime, *, dry_run: bool = False
    ) -> list[Past]:
        """Raise the occurrences of a repeat in a past time that were never raised."""
        body = {"from": time_text(since), "until": time_text(until), "dry_run": dry_run}
        told = self._line.ask("POST", f"/api/scheduled/{part(id)}/backfill", body=body)
        return [*map(_past, told)]

    def _change(self, which: Iterable[str], dry_run: bool, **change: str | None) -> list[Scheduled]:
        ids, done = [*which], list[Scheduled]()
        for start in range(0, max(len(ids), 1), AT_ONCE):  # also without ids: an invalid timespec is an error
            body = {"ids": ids[start : start + AT_ONCE], **change, "dry_run": dry_run}
            done += map(self._row, self._line.ask("POST", "/api/changes", body=body))
        return done

    def _row(self, told: Mapping[str, Any]) -> Scheduled:
        row = read_row(Fields(told, "the server's row"), self.learn(told))
        if told.get("shut"):
            self._shut[row.id] = told["shut"]
        return row


def _past(told: Mapping[str, Any]) -> Past:
    outcome = None if told["outcome"] is None else Outcome(told["outcome"])
    return Past(parse_time(told["nominal"]), told["left"], outcome, told["error"])


def params_of(which: Filter) -> dict[str, Any]:
    """The parameters of a query for a filter; a list of events without a status has those of every one."""
    return {
        "pico": which.pico_id,
        "rid": which.rid,
        "name": which.name,
        "domain": which.domain,
        "type": which.type,
        "kind": which.kind,
        "status": [each.value for each in which.status or Status],
        "since": time_text(which.since),
        "until": time_text(which.until),
        "text": which.text,
    }


def _duration(by: timedelta) -> str:
    sign = "-" if by < timedelta() else ""
    milliseconds = abs(by) // timedelta(milliseconds=1)
    return f"{sign}{milliseconds // 1000}.{milliseconds % 1000:03}s"
