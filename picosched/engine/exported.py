"""Reads and validates the document of a pico.

The document is untrusted, and goes into the store as read. So numbers are within bounds, texts have a UTF-8
form, values are JSON no deeper or larger than a rule may make, and no due occurrence is on record already: an
occurrence is settled once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any

from picosched.checked import json_copy, json_object
from picosched.clock import format_time, to_ms
from picosched.errors import PicoschedError
from picosched.fields import Fields
from picosched.krl.values import json_value
from picosched.pico.channel import Channel, Policy, new_policy, new_tags
from picosched.pico.turn import Considered, Directive, Handled, Logged
from picosched.schedule.fire import Fire
from picosched.schedule.retold import check_row, read_fire, read_row
from picosched.schedule.scheduled import Scheduled, Status
from picosched.store.journal import Entry
from picosched.timespec.almanac import Almanac

FORMAT = "picosched pico"
VERSION = 1
PARTS = "format version exported name rulesets channels scheduled fires journal".split()
"""The fields of a document."""

RULESET = "rid text origin config variables waiting".split()
CHANNEL = "eci tags events queries own".split()


@dataclass(frozen=True, slots=True)
class MovedRuleset:
    """A ruleset with its configuration, variables and waiting expressions."""

    rid: str
    text: str
    origin: str | None
    config: Mapping[str, Any]
    variables: Mapping[str, Any]
    waiting: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Moved:
    """The content of a document; channels and scheduled events have their old ids."""

    name: str
    rulesets: list[MovedRuleset]
    channels: list[Channel]
    scheduled: list[Scheduled]
    fires: list[Fire]
    journal: list[Entry]


def read_moved(document: Mapping[str, Any], most_bytes: int, almanac: Almanac) -> Moved:
    """The content of a document, in which each configuration may have at most `most_bytes`.

    Timespecs are read with the almanac.
    """
    told = Fields(document, "the document")
    if not told.has("format") or told.text("format") != FORMAT:
        raise PicoschedError(f'the document: found no format, wanted "{FORMAT}"')
    if told.whole("version") != VERSION:
        raise PicoschedError(f"the document: found the version {told.whole('version')}, wanted {VERSION}")
    told.only(PARTS)
    rulesets = [_read_ruleset(each, most_bytes) for each in told.each("rulesets")]
    moved = Moved(
        told.text("name"),
        rulesets,
        [_read_channel(each) for each in told.each("channels")],
        [_read_row(each, {each.rid for each in rulesets}, almanac) for each in told.each("scheduled")],
        [read_fire(each, "") for each in told.each("fires")],
        [_read_entry(each) for each in told.each("journal")],
    )
    _check_record(moved)
    for what, keys in (
        ("ruleset", [each.rid for each in moved.rulesets]),
        ("channel", [each.eci for each in moved.channels]),
        ("scheduled event", [each.id for each in moved.scheduled]),
        ("fire", [f"{each.id} at {each.nominal}" for each in moved.fires]),
    ):
        for key, times in Counter(keys).items():
            if times > 1:
                raise PicoschedError(f"the document: found the {what} {key} twice, wanted it once")
    return moved


def _check_record(moved: Moved) -> None:
    """Check that no due occurrence is on record: it could never be settled."""
    due = {each.id: each.due for each in moved.scheduled if each.due is not None}
    for fire in moved.fires:
        if fire.id in due and to_ms(fire.nominal) == to_ms(due[fire.id]):
            raise PicoschedError(
                f"the document: found the scheduled event {fire.id} due at {format_time(fire.nominal)} "
                "and a record of that time, wanted one of the two"
            )


def _read_ruleset(told: Fields, most_bytes: int) -> MovedRuleset:
    told.only(RULESET)
    return MovedRuleset(
        told.text("rid"),
        told.text("text"),
        told.maybe_text("origin"),
        json_object(told.map("config"), "the configuration", most_bytes),
        _json(told, "variables"),
        _json(told, "waiting"),
    )


def _json(told: Fields, name: str) -> dict[str, Any]:
    """A map of JSON values, no deeper or larger than a rule may make."""
    where = f"{told.where}.{name}"
    copy: dict[str, Any] = json_value(json_copy(told.map(name), where))
    return copy


def _read_channel(told: Fields) -> Channel:
    told.only(CHANNEL)
    kin = "" if told.flag("own") else None
    events, queries = _read_policy(told.inner("events")), _read_policy(told.inner("queries"))
    return Channel(told.text("eci"), "", new_tags(told.texts("tags")), events, queries, kin=kin)


def _read_policy(told: Fields) -> Policy:
    return new_policy(told.texts("allow"), told.texts("deny"))


def _read_row(told: Fields, rids: set[str], almanac: Almanac) -> Scheduled:
    row = replace(read_row(told, ""), attrs=_json(told, "attrs"), almanac=almanac)
    if row.held:  # the programs for which it waits are not in the document
        row = replace(row, held=False, status=Status.PENDING)
    check_row(row, told.where)
    if row.due is not None and not row.by_person and row.rid not in rids:
        raise PicoschedError(f"{told.where}.rid: found {row.rid}, wanted a ruleset of the document")
    return row


def _read_entry(told: Fields) -> Entry:
    return Entry(
        seq=0,
        eid=told.text("eid"),
        pico_id="",
        at=told.time("at"),
        eci=told.maybe_text("eci"),
        scheduled=told.maybe_text("scheduled"),
        nominal=told.maybe_time("nominal"),
        handled=[_read_handled(each) for each in told.each("handled")],
        directives=[_read_directive(each) for each in told.each("directives")],
        errors=told.texts("errors"),
        log=[_read_logged(each) for each in told.each("log")],
    )


def _read_handled(told: Fields) -> dict[str, Any]:
    considered = [asdict(_read_considered(each)) for each in told.each("considered")]
    handled = Handled(told.text("domain"), told.text("type"), _json(told, "attrs"))
    return {**asdict(handled), "considered": considered}


def _read_considered(told: Fields) -> Considered:
    return Considered(
        told.text("rid"),
        told.text("rule"),
        told.text("outcome"),
        told.maybe_text("why"),
        told.maybe_whole("line"),
    )


def _read_directive(told: Fields) -> dict[str, Any]:
    name, options = (
        json_value(json_copy(told.value(key), f"{told.where}.{key}")) for key in ("name", "options")
    )
    rid, rule = told.text("rid"), told.maybe_text("rule")
    return asdict(Directive(name, options, rid, rule, told.whole("handled")))


def _read_logged(told: Fields) -> dict[str, Any]:
    copy = json_value(json_copy(told.value("value"), f"{told.where}.value"))
    return asdict(Logged(told.text("level"), told.text("rid"), told.maybe_text("rule"), copy))
