"""What people did, done again on the engine of a replay, at its place among the turns.

A thing that cannot be done again, as what it needs is not on record, is told; the pico that it was done to
cannot be compared from there on. One that does nothing here, as the rulesets are others and what it was done
to is not there, is no fault: what follows from it is a difference anyway.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from picosched.clock import format_time, from_ms
from picosched.engine.copied import New
from picosched.engine.interventions import change_source, channel_of
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.intervention import (
    ALERT_PUT,
    ALERT_REMOVED,
    BACKFILLED,
    CHANGES_OF_SOURCES,
    CHANNEL_DELETED,
    CHANNEL_MADE,
    DELIVERY_DROPPED,
    DELIVERY_RETRIED,
    FIRED,
    FORGOTTEN,
    INSTALLED,
    PICO_DELETED,
    PICO_IMPORTED,
    PICO_MADE,
    RUNG,
    SCHEDULED,
    SETTINGS,
    SOURCE,
    SOURCE_ADDED,
    SOURCES_BROUGHT,
    STEPS,
    TRIED,
    UNINSTALLED,
    WINDOW_PUT,
    WINDOW_REMOVED,
    Intervention,
)
from picosched.krl.ruleset import Ruleset, compile_ruleset
from picosched.pico.event import Event
from picosched.schedule.alert import Alert
from picosched.schedule.provenance import change_of
from picosched.schedule.steps import step_of
from picosched.schedule.window import MadeWindow
from picosched.sources.reading import read_source
from picosched.store.picos import PicoRow
from picosched.turns import install as installing
from picosched.turns import sources as declaring
from picosched.turns import windows as edges
from picosched.turns.pieces import MakeSchedule

LACKING = {
    PICO_IMPORTED: "what came with it is not on record",
    DELIVERY_RETRIED: "nothing leaves a replay, so each delivery counts as taken",
    DELIVERY_DROPPED: "nothing leaves a replay, so each delivery counts as taken",
    FORGOTTEN: "its arguments are older than history_days",
}
"""What cannot be done again, and why."""


class LackingError(PicoschedError):
    """What is needed to do it again is not on record."""


class Redoing:
    """Does things again on one engine; `record` is the engine whose people did them."""

    def __init__(self, engine: Wiring, record: Wiring) -> None:
        self._engine, self._store, self._loaded = engine, engine.store, engine.loaded
        self._record = record
        self.given: dict[str, New] = {}
        """Rid → the ruleset that stands in for all of its rid."""
        self._ways: Mapping[str, Callable[[Intervention, Mapping[str, Any]], None]] = {
            INSTALLED: self._install,
            UNINSTALLED: self._uninstall,
            PICO_MADE: self._make_pico,
            PICO_DELETED: self._delete_pico,
            CHANNEL_MADE: self._make_channel,
            CHANNEL_DELETED: self._delete_channel,
            SOURCE_ADDED: self._add_source,
            SOURCES_BROUGHT: self._bring_sources,
            SETTINGS: self._change_settings,
            SCHEDULED: self._schedule,
            ALERT_PUT: self._put_alert,
            ALERT_REMOVED: self._remove_alert,
            WINDOW_PUT: self._put_window,
            WINDOW_REMOVED: self._remove_window,
            **dict.fromkeys(STEPS, self._change_schedules),
            **{f"{SOURCE}{what}": self._change_source for what in CHANGES_OF_SOURCES},
        }

    def redo(self, each: Intervention) -> bool:
        """Do it again, outside a transaction; False if it does nothing here. LackingError if it cannot be."""
        if each.what in (FIRED, BACKFILLED, TRIED, RUNG):
            return False  # they come as occurrences
        try:
            self._engine.write(self._ways.get(each.what, self._lack), each, each.told)
        except PicoschedError as fault:
            if fault.code in ("not_found", "conflict", "refused") and not isinstance(fault, LackingError):
                return False  # it has gone another way here
            if fault.code == "too_large" and each.what == SCHEDULED and self.given:
                return False  # other rulesets have scheduled more than the old ones
            raise LackingError(f"{named(each)} at {format_time(each.at)}: {fault.message}") from fault
        return True

    def _install(self, each: Intervention, told: Mapping[str, Any]) -> None:
        pico_id, rid, config = told["pico"], told["rid"], told["config"]
        kept = self._record.store.picos.find_ruleset(told["hash"])
        if kept is None:
            raise LackingError("its text is gone")
        new = self.given.get(rid) or New(self._compiled(kept.text, told["origin"]), told["origin"])
        known = self._store, self._loaded, pico_id, new.ruleset, new.origin, config, each.at, each.by
        installing.install(*known)

    def _compiled(self, text: str, origin: str | None) -> Ruleset:
        return self._loaded.known(text) or compile_ruleset(text, origin)

    def _uninstall(self, each: Intervention, told: Mapping[str, Any]) -> None:
        installing.uninstall(self._store, self._loaded, told["pico"], told["rid"], each.at)

    def _make_pico(self, each: Intervention, told: Mapping[str, Any]) -> None:
        self._loaded.load_pico(told["parent"])
        self._store.picos.new_pico(PicoRow(told["id"], told["name"], told["parent"], each.at))

    def _delete_pico(self, each: Intervention, told: Mapping[str, Any]) -> None:
        installing.delete_pico(self._store, self._loaded, told["id"], each.at)

    def _make_channel(self, each: Intervention, told: Mapping[str, Any]) -> None:
        self._loaded.load_pico(told["pico"])
        self._store.picos.new_channel(channel_of(told), each.at)

    def _delete_channel(self, each: Intervention, told: Mapping[str, Any]) -> None:
        self._loaded.forget_channel(told["eci"])
        _need(self._store.picos.delete_channel(told["eci"]))

    def _add_source(self, each: Intervention, told: Mapping[str, Any]) -> None:
        source = read_source(told["declaration"], again=True, almanac=self._store.almanac)
        declaring.add(self._store, source, told["id"], each.at)

    def _bring_sources(self, each: Intervention, told: Mapping[str, Any]) -> None:
        ids = iter(told["ids"])
        sources = [
            read_source(declared, again=True, almanac=self._store.almanac)
            for declared in told["declarations"]
        ]
        declaring.bring_in_line(self._store, sources, each.at, lambda: next(ids))

    def _change_source(self, each: Intervention, told: Mapping[str, Any]) -> None:
        what = each.what.removeprefix(SOURCE)
        _need(change_source(self._store, what, told["id"], told, each.at))

    def _change_schedules(self, each: Intervention, told: Mapping[str, Any]) -> None:
        step = step_of(each.what, told, each.at, self._engine.settings.granularity)
        done = False
        for id in told["ids"]:
            row = self._store.agenda.find(id)
            if row is not None and (changed := step(row)) is not None:
                done = True
                self._store.agenda.take(changed, each.at)
                change = change_of(row, changed[0], each.at, each.what, each.by)
                self._store.agenda.note_change(change)
        _need(done)

    def _schedule(self, each: Intervention, told: Mapping[str, Any]) -> None:
        event = Event(told["domain"], told["type"], told["attrs"], "", each.at)
        drawn = [(bits, value) for bits, value in told["drawn"]]
        piece = MakeSchedule(event, told["pico"], told["when"], told["repeats"], each.by, drawn=drawn)
        _need(self._engine.turns.make_schedule(piece).is_new)

    def _put_alert(self, each: Intervention, told: Mapping[str, Any]) -> None:
        if told["to"] is None:
            self._remove_alert(each, told)
        else:
            given = told["name"], told["to"], tuple(told["on"]), told["after"]
            self._store.alerts.put(Alert(*given, made=each.at, made_by=each.by))

    def _remove_alert(self, each: Intervention, told: Mapping[str, Any]) -> None:
        _need(self._store.alerts.remove(told["name"]))

    def _put_window(self, each: Intervention, told: Mapping[str, Any]) -> None:
        given = told["name"], told["opens"], told["closes"], told["tz"]
        self._store.windows.put(MadeWindow(*given, made=each.at, made_by=each.by))
        self._follow_windows(told["name"], each)

    def _remove_window(self, each: Intervention, told: Mapping[str, Any]) -> None:
        _need(self._store.windows.remove(told["name"]))
        self._follow_windows(told["name"], each)

    def _follow_windows(self, name: str, each: Intervention) -> None:
        left = edges.follow_from_start(self._store, self._loaded, name, each.at)
        while left:
            left = edges.follow_more(self._store, self._loaded)

    def _lack(self, each: Intervention, told: Mapping[str, Any]) -> None:
        raise LackingError(LACKING.get(each.what, "this picosched does not know it"))

    def _change_settings(self, each: Intervention, told: Mapping[str, Any]) -> None:
        raise LackingError(f"found other settings: {', '.join(told['names'])}; those of today stand for all")


def _need(there: bool) -> None:
    """`not_found` unless there was something to do it to."""
    if not there:
        raise PicoschedError("there is no such thing", "not_found")


def named(each: Intervention) -> str:
    """What was done, for people."""
    told = each.told
    if each.what in (INSTALLED, UNINSTALLED):
        return f"{each.what} {told['rid']}"
    if each.what == SCHEDULED:
        return f"{each.what} {told['domain']}:{told['type']}"
    on = told.get("name") or told.get("id") or ""
    return f"{each.what} {on}".strip()


def concerned(each: Intervention) -> set[str]:
    """The ids of picos, schedules and sources that it changes; those of what it makes too. Of a window, what
    `edges_of` gives.
    """
    told = each.told
    if each.what in (TRIED, RUNG):
        return set()
    if each.what in (WINDOW_PUT, WINDOW_REMOVED):
        return {edges_of(told["name"])}
    many = (*told.get("ids", ()), *told.get("before", ()))
    return {*many, *(told[key] for key in ("id", "pico") if key in told)}


def edges_of(window: str | None) -> str:
    """What stands for the ids of the rows that follow a window that people change."""
    return f"window {window}"


def occurrence_of(each: Intervention) -> tuple[str, datetime]:
    """The occurrence that somebody raised outside its times, or of a try: its id, and its nominal time."""
    return each.told["id"], from_ms(each.told["nominal"])
