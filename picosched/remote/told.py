"""Converts a server's JSON answers to the engine's classes; errors in turns have only their text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from picosched.clock import EPOCH, parse_time, to_ms
from picosched.errors import KrlError, Span
from picosched.fields import Fields
from picosched.pico.channel import Channel, Policy
from picosched.pico.delivery import read_delivery
from picosched.pico.turn import WARNING, Considered, Directive, Handled, Logged, Turn
from picosched.schedule.load import Full, Load, Steady, What
from picosched.schedule.new_schedule import NewSchedule
from picosched.schedule.retold import read_row
from picosched.schedule.scheduled import Outcome, Scheduled
from picosched.schedule.suggestion import Suggestion
from picosched.sources.state import EntryState, SourceState
from picosched.store.journal import ENTRY, Entry
from picosched.store.machines import Machine
from picosched.store.picos import InstalledRow

Told = Mapping[str, Any]


def read_turn(told: Told) -> Turn:
    return Turn(
        eid=told["eid"],
        pico_id="",
        now=EPOCH,
        handled=[_handled(each) for each in told["handled"]],
        directives=[
            Directive(each["name"], each["options"], each["rid"], each["rule"]) for each in told["directives"]
        ],
        errors=[KrlError(text) for text in told["errors"]],
        log=[Logged(WARNING, "", None, text) for text in told.get("warnings", ())],
        scheduled={each["id"]: _row(each) for each in told["made"]},
        rescheduled={each["id"]: _row(each) for each in told["changed"]},
        deliveries=[*map(read_delivery, told.get("deliveries", ()))],
    )


def read_new_schedule(told: Told) -> NewSchedule:
    return NewSchedule(_row(told), told["new"], tuple(told["warnings"]))


def read_machine(told: Told) -> Machine:
    """A machine, as a server tells of it."""
    fields = {name: told[name] for name in Machine._fields if name != "leaving"}
    started, shards = to_ms(parse_time(told["started"])), tuple(told["shards"])
    leaving = told.get("leaving", False)  # an older server does not say so
    return Machine(**{**fields, "started": started, "shards": shards, "leaving": leaving})


def read_channel(told: Told, pico_id: str) -> Channel:
    events, queries = (Policy(tuple(told[each]["allow"]), tuple(told[each]["deny"])) for each in POLICIES)
    return Channel(told["eci"], pico_id, tuple(told["tags"]), events, queries)


POLICIES = ("events", "queries")


def read_installed(told: Told) -> InstalledRow:
    flushed = _time(told["flushed"])
    return InstalledRow(told["rid"], told["hash"], told["config"], told["origin"], flushed)


@dataclass(frozen=True, slots=True)
class RemoteRuleset:
    """A ruleset that was just installed, with the warnings about its text."""

    rid: str
    hash: str
    warnings: tuple[KrlError, ...]


def read_new_ruleset(told: Told, files: Mapping[str, str]) -> RemoteRuleset:
    """`files` is as for `read_krl_errors`."""
    warnings = read_krl_errors(told.get("warnings", ()), files)
    return RemoteRuleset(told["rid"], told["hash"], tuple(warnings))


def read_krl_errors(told: Sequence[Told], files: Mapping[str, str]) -> list[KrlError]:
    """Errors or warnings in KRL text. `files` maps a file name of the server to the one here."""
    return [
        KrlError(
            each["message"],
            Span(
                files.get(each["file"], each["file"]),
                *(each[name] for name in ("line", "column", "end_line", "end_column")),
            )
            if "file" in each
            else None,
            kind=each["code"],
        )
        for each in told
    ]


def read_entry(told: Told) -> Entry:
    entry: Entry = _entry(Fields(told, "the server's entry"), told["pico_id"])
    return entry


_entry = ENTRY.of_map()


def read_source_state(told: Told) -> SourceState:
    kept = {each.name: told[each.name] for each in fields(SourceState)}
    entries = tuple(map(_source_entry, told["entries"]))
    times = {"created": parse_time(told["created"]), "paused_until": _time(told["paused_until"])}
    return SourceState(**{**kept, **times, "entries": entries})


def _source_entry(told: Told) -> EntryState:
    kept = {each.name: told[each.name] for each in fields(EntryState)}
    outcome = None if told["outcome"] is None else Outcome(told["outcome"])
    times = {"due": _time(told["due"]), "fired": _time(told["fired"])}
    return EntryState(**{**kept, **times, "outcome": outcome})


def read_load(told: Told) -> Load:
    """A load, as `Load.as_json` tells it."""
    given = told["suggestion"]
    return Load(
        since=parse_time(told["from"]),
        until=parse_time(told["until"]),
        complete=parse_time(told["complete"]),
        total=told["total"],
        hours={parse_time(each["at"]): each["count"] for each in told["hours"]},
        fullest=[
            Full(parse_time(each["at"]), each["count"], [(_what(one), one["count"]) for one in each["what"]])
            for each in told["fullest"]
        ],
        steady=[Steady(_what(each), each["per_minute"]) for each in told["steady"]],
        suggestion=given and Suggestion(**{**given, "at": parse_time(given["at"])}),
    )


def _what(told: Told) -> What:
    return What(told["id"], told["event"], told["of"])


def _time(text: str | None) -> datetime | None:
    return None if text is None else parse_time(text)


def _row(told: Told) -> Scheduled:
    return read_row(Fields(told, "the server's row"), told["pico_id"])


def _handled(told: Told) -> Handled:
    considered = [Considered(**each) for each in told["considered"]]
    return Handled(told["domain"], told["type"], told["attrs"], considered)
