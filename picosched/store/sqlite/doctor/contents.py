"""What stands in each row, against what its column may hold.

A column that is not listed here may hold anything.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from picosched.audit import DEED
from picosched.clock import from_ms
from picosched.errors import PicoschedError
from picosched.intervention import INTERVENTION
from picosched.schedule import record
from picosched.schedule.alert import ALERT
from picosched.schedule.fire import FIRE
from picosched.schedule.provenance import PROVENANCE
from picosched.schedule.scheduled import SCHEDULED, Outcome, Status
from picosched.schedule.window import MADE_WINDOW, read_window
from picosched.sources.reading import read_source
from picosched.store import rows
from picosched.store.journal import ENTRY
from picosched.store.picos import hash_of
from picosched.store.sqlite.database import SQLiteDatabase
from picosched.store.sqlite.doctor.finding import MOST_OF_A_KIND, Finding, key, shown
from picosched.timespec.timespec import Timespec
from picosched.timespec.zone import check_zone
from picosched.tokens import TOKEN
from picosched.versions import VERSION


@dataclass(frozen=True, slots=True)
class Kind:
    """What a value has to be, in words, and whether one is."""

    wanted: str
    fits: Callable[[Any], bool]

    @property
    def maybe(self) -> Kind:
        """The same, or nothing."""
        return Kind(f"{self.wanted}, or nothing", lambda value: value is None or self.fits(value))


def is_text(value: Any) -> bool:
    if not isinstance(value, str):
        return False
    try:
        value.encode()
    except UnicodeEncodeError:  # bytes that are not UTF-8, as the connection reads them
        return False
    return True


def is_time(value: Any) -> bool:
    try:
        return isinstance(value, int) and from_ms(value) is not None
    except (OverflowError, PicoschedError):
        return False


def json_of(*types: type) -> Callable[[Any], bool]:
    """Whether a value is the JSON text of one of these; of anything without them."""

    def fits(value: Any) -> bool:
        if not is_text(value):
            return False
        try:
            loaded = rows.load(value)
        except (ValueError, PicoschedError):
            return False
        return not types or isinstance(loaded, types)

    return fits


def is_texts(value: Any) -> bool:
    return json_of(list)(value) and all(isinstance(each, str) for each in rows.load(value))


def is_policy(value: Any) -> bool:
    if not json_of(dict)(value):
        return False
    policy = rows.load(value)
    return {*policy} == {"allow", "deny"} and all(
        isinstance(patterns, list) and all(isinstance(each, str) and ":" in each for each in patterns)
        for patterns in policy.values()
    )


def is_zone(value: Any) -> bool:
    return is_text(value) and not _refused(lambda: check_zone(value))


def is_declaration(value: Any) -> bool:
    return json_of(dict)(value) and not _refused(lambda: read_source(rows.load(value), again=True))


def _refused(read: Callable[[], object]) -> bool:
    try:
        read()
    except PicoschedError as error:
        return error.code == "invalid"  # not if the settings lack a calendar or a place that it names
    except (ValueError, TypeError, KeyError):
        return True
    return False


def one_of(*values: str) -> Kind:
    return Kind(f"one of {', '.join(values)}", lambda value: value in values)


TEXT = Kind("a text", is_text)
NAME = Kind("a text that is not empty", lambda value: is_text(value) and value != "")
TIME = Kind("a time in milliseconds since 1970", is_time)
WHOLE = Kind("a whole number", lambda value: isinstance(value, int))
COUNT = Kind("a whole number, 0 or more", lambda value: isinstance(value, int) and value >= 0)
FLAG = Kind("0 or 1", lambda value: value in (0, 1))
VALUE = Kind("JSON", json_of())
MAP = Kind("a JSON map", json_of(dict))
LIST = Kind("a JSON array", json_of(list))
TEXTS = Kind("a JSON array of strings", is_texts)
POLICY = Kind("a policy", is_policy)
ZONE = Kind("a time zone", is_zone)
DECLARATION = Kind("the declaration of a source", is_declaration)
OUTCOME = one_of(*(each.value for each in Outcome))
KIND = one_of("at", "repeat", "window", "send", "proc", "running")

Together = Callable[[Mapping[str, Any]], Iterator[tuple[str, str]]]
"""What is wrong with a row whose columns are sound one by one: what was found, and what was wanted."""


@dataclass(frozen=True, slots=True)
class Table:
    """A table, the columns of its key, what its columns may hold, and what has to fit together in a row."""

    name: str
    key: Sequence[str]
    columns: Mapping[str, Kind]
    together: Together = lambda row: iter(())

    def examine(self, database: SQLiteDatabase) -> Iterator[Finding]:
        return islice(self._examine(database), MOST_OF_A_KIND)

    def _examine(self, database: SQLiteDatabase) -> Iterator[Finding]:
        names = (*self.columns,)
        for row in database.ask(f"SELECT {', '.join(names)} FROM {self.name}"):
            values = dict(zip(names, row, strict=True))
            wrong = [
                (f"{shown(values[name])} as {name}", kind.wanted)
                for name, kind in self.columns.items()
                if not kind.fits(values[name])
            ]
            for found, wanted in wrong or self.together(values):
                place = key(self.key, [values[name] for name in self.key])
                yield Finding(self.name, place, found, wanted)


def _ruleset(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if hash_of(row["text"]) != row["hash"]:
        yield "a text with another hash", f"the text whose SHA-256 is {row['hash']}"


def _scheduled(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    status, kind, due = row["status"], row["kind"], row["due"]
    if status in (Status.PENDING, Status.PAUSED):
        if due is None and kind not in ("proc", "running"):
            yield f"no due time while it is {status}", "one"
    elif due is not None:
        yield f"a due time while it is {status}", "none"
    if row["paused_until"] is not None and status != Status.PAUSED:
        yield f"the end of a pause while it is {status}", "none"
    if kind == "repeat" and _refused(lambda: Timespec.parse(row["timespec"], row["tz"])):
        yield f"{shown(row['timespec'])} as timespec of a repeat", "a timespec"
    if kind == "window" and _refused(lambda: read_window(row["name"], row["timespec"], row["tz"])):
        yield f"{shown(row['timespec'])} as timespec of a window", "the timespecs of a window"
    if kind in ("proc", "running") and not {"path", "args", "env"} <= {*rows.load(row["attrs"])}:
        yield "attributes of no program", "path, args and env"


def _fire(row: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    if row["lateness"] != row["fired"] - row["nominal"]:
        yield f"a lateness of {row['lateness']}", f"fired less nominal, {row['fired'] - row['nominal']}"
    if row["stands_for"] < 1:
        yield "0 as stands_for", "1 or more"


CHECKS = {"name": NAME, "text": TEXT, "time": TIME, "count": COUNT, "number": WHOLE, "flag": FLAG}
CHECKS |= {"map": MAP, "maps": LIST, "texts": TEXTS}


def _columns(table: record.Table) -> dict[str, Kind]:
    """What the columns of a record may hold, as its field table has it."""
    checks = {}
    for column, kind in table.kinds().items():
        check = CHECKS[kind.name] if kind.words is None else one_of(*kind.words)
        checks[column] = check.maybe if kind.optional else check
    return checks


TABLES = (
    Table("meta", ["key"], {"key": NAME, "value": TEXT}),
    Table("pico", ["id"], {"id": NAME, "name": TEXT, "parent": TEXT.maybe, "created": TIME}),
    Table(
        "channel",
        ["eci"],
        {
            "eci": NAME,
            "pico": NAME,
            "tags": TEXTS,
            "events": POLICY,
            "queries": POLICY,
            "kin": TEXT.maybe,
            "eci_of_kin": TEXT.maybe,
            "created": TIME,
        },
    ),
    Table(
        "ruleset",
        ["hash"],
        {"hash": NAME, "rid": NAME, "text": TEXT, "origin": TEXT.maybe, "flushed": TIME.maybe},
        _ruleset,
    ),
    Table(
        "installed",
        ["pico", "rid"],
        {"pico": NAME, "rid": NAME, "hash": NAME, "config": MAP, "position": COUNT},
    ),
    Table(
        "entity",
        ["pico", "rid", "name"],
        {
            "pico": TEXT,
            "rid": NAME,
            "name": TEXT,
            "value": VALUE,
            "size": COUNT.maybe,
            "places": COUNT.maybe,
        },
    ),
    Table(
        "element",
        ["pico", "rid", "name", "key"],
        {"pico": TEXT, "rid": NAME, "name": TEXT, "key": VALUE, "value": VALUE, "place": COUNT},
    ),
    Table("waiting", ["pico", "rid", "rule"], {"pico": NAME, "rid": NAME, "rule": NAME, "state": VALUE}),
    Table("scheduled", ["id"], {**_columns(SCHEDULED), "kind": KIND, "tz": ZONE}, _scheduled),
    Table("fire", ["scheduled", "nominal"], _columns(FIRE), _fire),
    Table("journal", ["seq"], _columns(ENTRY)),
    Table("provenance", ["scheduled", "at"], _columns(PROVENANCE)),
    Table("version", ["seq"], _columns(VERSION)),
    Table("audit", ["seq"], _columns(DEED)),
    Table("intervention", ["seq"], _columns(INTERVENTION)),
    Table("token", ["name"], _columns(TOKEN)),
    Table("alert", ["name"], _columns(ALERT)),
    Table("made_window", ["name"], {**_columns(MADE_WINDOW), "tz": ZONE}),
    Table(
        "source",
        ["id"],
        {
            "id": NAME,
            "name": TEXT.maybe,
            "declaration": DECLARATION,
            "configured": FLAG,
            "created": TIME,
            "anchor": TIME,
            "raised": COUNT,
            "paused": FLAG,
            "paused_until": TIME.maybe,
        },
    ),
    Table(
        "source_entry",
        ["id"],
        {
            "id": NAME,
            "source": NAME,
            "position": COUNT,
            "name": TEXT,
            "due": TIME.maybe,
            "paused": FLAG,
            "fires": COUNT,
            "missed": COUNT,
            "failed": COUNT,
            "fired": TIME.maybe,
            "outcome": OUTCOME.maybe,
            "why": TEXT.maybe,
            "failures": COUNT,
            "tries": COUNT,
            "held": FLAG,
            "asked": TIME.maybe,
        },
    ),
    Table(
        "delivery",
        ["id"],
        {
            "id": NAME,
            "source": TEXT,
            "entry": TEXT,
            "nominal": TIME,
            "url": NAME,
            "body": MAP,
            "created": TIME,
            "due": TIME,
            "tries": COUNT,
            "error": TEXT.maybe,
            "pico": NAME.maybe,
            "rid": NAME.maybe,
            "rule": NAME.maybe,
            "dead": TIME.maybe,
            "trace": NAME.maybe,
        },
    ),
    Table("received", ["pico", "key"], {"pico": NAME, "key": NAME, "eid": NAME, "at": TIME}),
    Table("coming", ["pico"], {"pico": NAME, "events": COUNT}),
    Table("begun", ["id"], {"id": NAME, "alone": COUNT}),
)
