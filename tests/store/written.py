"""What the tests of the store write: rows and turns, one change of each kind, and all that is read back."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from picosched import Fire, Scheduled, Store, Turn
from picosched.acting import Actor, Role
from picosched.audit import deed_of
from picosched.krl.large_map import ChangedMap, StoredMap
from picosched.pico.channel import Channel, new_policy, new_tags
from picosched.pico.delivery import Delivery
from picosched.schedule.alert import Alert
from picosched.schedule.changed import cancelled
from picosched.schedule.provenance import Provenance
from picosched.schedule.scheduled import Misfire, Outcome, Overlap, Status
from picosched.schedule.window import MadeWindow
from picosched.store.picos import PicoRow, RulesetRow, hash_of
from picosched.store.port import Row
from picosched.store.sources import EntryRow, SourceRow
from picosched.store.tables import TABLES
from picosched.tokens import Token
from picosched.versions import Version

NOW = datetime(2026, 3, 1, 12, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
LATER = NOW + timedelta(days=31)
"""When all that is written now is older than the history kept."""


def made(id: str, due: datetime | None = NOW, **changes: object) -> Scheduled:
    row = Scheduled(id, "p", "tea", "tea", "ready", {"n": 1}, "at", due, NOW, rule="start", line=7)
    return replace(row, **changes)  # type: ignore[arg-type]


def fire_of(scheduled: Scheduled, outcome: Outcome = Outcome.FIRED, **changes: object) -> Fire:
    assert scheduled.due is not None
    fire = Fire(scheduled.id, scheduled.pico_id, scheduled.due, NOW, outcome, eid="e1")
    return replace(fire, **changes)  # type: ignore[arg-type]


def turn_that(**changes: object) -> Turn:
    return replace(Turn("e1", "p", NOW), **changes)  # type: ignore[arg-type]


def ruleset(text: str, rid: str = "tea") -> RulesetRow:
    return RulesetRow(hash_of(text), rid, text, f"{text}.krl")


def add(store: Store, *rows: Scheduled) -> None:
    with store.transaction():
        for row in rows:
            store.agenda.add(row)


CHANNEL = Channel("c1", "p", new_tags(["App x"]), new_policy(["tea:*"], ["tea:spill"]), new_policy(["*:*"]))
ONCE = made("once")
EACH = made("each", NOW + MINUTE, timespec="* * * * *", kind="repeat", name="n", tz="Europe/Oslo")
STILL = made("still", status=Status.PAUSED, paused_until=NOW + MINUTE)
OVER = made("over", None, status=Status.FINISHED, keep_until=NOW + MINUTE)
EDGES = made("edges", kind="window", name="work", timespec="0 9 * * *|0 17 * * *")
PROGRAM = made("program", None, kind="proc")
ROWS = (ONCE, EACH, STILL, OVER, EDGES, PROGRAM)
FULL = made(
    "full", kind="repeat", timespec="* * * * *", name="n", tz="Asia/Tokyo", fires=2, fired=NOW, eci="c1",
    keep_until=NOW, paused_until=NOW, misfire=Misfire.ALL, until=NOW, count=3, jitter=1_500, window="w",
    description="d", moved_from=NOW, spaced_from=NOW, asked=NOW, retry=3, tries=1, on_failure="pause",
    failures=2, late_after=5_000, overlap=Overlap.SKIP, held=True, started_by="x", trace="00-a-b-01",
    machine="m",
    attrs={"a": [2**70, None]}, status=Status.PAUSED,
)  # fmt: skip
"""A row that has a value in every field."""
PAST = fire_of(
    made("over", NOW - MINUTE), rules=("tea.start",), why="so", stands_for=3, asked=NOW - 2 * MINUTE
)
SOURCE = SourceRow("src", "beat", "{}", False, NOW, NOW)
ENTRY = EntryRow("entry", "src", "tick", NOW)
DELIVERY = Delivery("d", "src", "entry", NOW, "http://x/", "{}", NOW, NOW)
TOKEN = Token("anna", Role.OPERATE, "0f", NOW, "HTTP", NOW + MINUTE)
ALERT = Alert("ops", "https://x/?é", ("failed", "late"), 3, "s", NOW, "HTTP")
WINDOW = MadeWindow("day", "0 8 * * *", "daily at 18:00 é", "UTC", NOW, "HTTP")
DEED = deed_of(Actor("HTTP", "anna", Role.OPERATE), NOW, "paused", "schedule", "still", "é")
VERSION = Version("p", "tea", "0f", "tea.krl", NOW, "HTTP")
OF_RULE = replace(
    DELIVERY, id="d3", source_id="", entry_id="", pico_id="p", rid="tea", rule="send", trace="00-a-b-01"
)


def furnish(store: Store) -> None:
    """Write some of everything, in a transaction."""
    store.picos.new_pico(PicoRow("root", "root", None, NOW))
    store.picos.new_pico(PicoRow("p", "kitchen", "root", NOW))
    store.picos.new_channel(CHANNEL, NOW)
    store.picos.install("p", ruleset("x"), {"a": 1})
    store.picos.set_meta("key", "value")
    entities = {("tea", "cups"): 1, ("app:tea", "all"): 2, ("tea", "large"): ChangedMap({"a": 1, "b": [2]})}
    store.write(turn_that(entities=entities, waiting={("tea", "start"): [1]}))
    for row in ROWS:
        store.agenda.add(row)
    store.agenda.record(PAST)
    store.sources.put(SOURCE)
    store.sources.put_entry(ENTRY, 0)
    store.deliveries.add(DELIVERY)
    store.deliveries.add(OF_RULE)
    store.deliveries.receive("p", "key", "e1", NOW)
    store.begun.mark("once", 1)
    store.tokens.add(TOKEN)
    store.alerts.put(ALERT)
    store.windows.put(WINDOW)
    store.audit.add(DEED)
    store.picos.note_version(VERSION)


def changed_map() -> ChangedMap:
    """A change of each kind to the large map that `furnish` writes, made without reading it."""
    changed = ChangedMap(StoredMap(_NoElements(), ("p", "tea", "large"), 31, 2))
    changed.set = {"b": [3], "a": "again", "c\u0000": None}
    changed.removed = {"a": None}
    return changed


class _NoElements:
    def element(self, owner: tuple[str, str, str], key: str) -> Any:
        raise NotImplementedError

    def elements(self, owner: tuple[str, str, str]) -> dict[str, Any]:
        raise NotImplementedError


def turn_of_all_kinds() -> tuple[Turn, Fire]:
    """A turn that writes to every table a turn can write to, and the occurrence that caused it."""
    still, record = cancelled(STILL, NOW, "e2") or (STILL, None)
    turn = turn_that(
        eid="e2",
        entities={
            ("tea", "cups"): None,
            ("tea", "pots"): {"a": [1, "é"]},
            ("app:tea", "all"): 3,
            ("tea", "large"): changed_map(),
        },
        waiting={("tea", "start"): None, ("tea", "stop"): [2]},
        deliveries=[replace(OF_RULE, id="d4")],
        scheduled={"new": made("new"), "ended": made("ended", None, status=Status.FINISHED)},
        rescheduled={"still": still},
        records=[record] if record else [],
        settled=replace(EACH, due=NOW + 2 * MINUTE, fires=1, fired=NOW),
    )
    return turn, fire_of(EACH, eid="e2")


CHANGES: dict[str, Callable[[Store], object]] = {
    "write": lambda store: store.write(*turn_of_all_kinds()),
    "settle": lambda store: store.settle(
        replace(ONCE, due=None, status=Status.FINISHED), fire_of(ONCE, Outcome.SKIPPED)
    ),
    "prune": lambda store: store.prune(LATER + MINUTE),
    "new_pico": lambda store: store.picos.new_pico(PicoRow("q", "den", "root", NOW)),
    "delete_pico": lambda store: store.picos.delete_pico("p"),
    "new_channel": lambda store: store.picos.new_channel(replace(CHANNEL, eci="c2"), NOW),
    "put_channel": lambda store: store.picos.put_channel(replace(CHANNEL, tags=("b",)), NOW),
    "delete_channel": lambda store: store.picos.delete_channel("c1"),
    "install": lambda store: store.picos.install("p", ruleset("y"), {"a": 2}),
    "uninstall": lambda store: store.picos.uninstall("p", "tea"),
    "set_meta": lambda store: store.picos.set_meta("key", "other"),
    "forget_meta": lambda store: store.picos.forget_meta("key"),
    "add": lambda store: store.agenda.add(made("new")),
    "settle_row": lambda store: store.agenda.settle(replace(EACH, due=None), NOW),
    "become": lambda store: store.agenda.become(replace(PROGRAM, kind="running", type="t"), NOW),
    "change": lambda store: store.agenda.change(replace(EACH, timespec="5 * * * *", tz="UTC"), NOW),
    "note": lambda store: store.agenda.note(fire_of(EACH)),
    "record": lambda store: store.agenda.record(fire_of(EACH)),
    "correct": lambda store: store.agenda.correct("over", PAST.nominal, Outcome.FAILED, "late"),
    "cancel": lambda store: store.agenda.cancel("each", NOW, "e3"),
    "note_change": lambda store: store.agenda.note_change(
        Provenance("each", NOW, "moved", "HTTP", None, "then", "now")
    ),
    "cancel_all": lambda store: store.agenda.cancel_all("p", "tea", NOW, "gone"),
    "give_up": lambda store: store.agenda.give_up("once", NOW, "broken"),
    "journal": lambda store: store.journal.add(replace(store.journal.entries()[0], eid="e4", errors=["é"])),
    "put_source": lambda store: store.sources.put(replace(SOURCE, name="other", configured=True)),
    "put_entry": lambda store: store.sources.put_entry(replace(ENTRY, due=None), 1),
    "settle_entry": lambda store: store.sources.settle(replace(ENTRY, fires=1, fired=NOW), raised=True),
    "tell": lambda store: store.sources.correct("entry", Outcome.FAILED, "why"),
    "set_pause": lambda store: store.sources.set_pause("src", True, NOW + MINUTE),
    "set_due": lambda store: store.sources.set_due("entry", NOW + MINUTE),
    "remove_entry": lambda store: store.sources.remove_entry("entry"),
    "remove_source": lambda store: store.sources.remove("src"),
    "deliver": lambda store: store.deliveries.add(replace(DELIVERY, id="d2")),
    "put_off": lambda store: store.deliveries.put_off("d", NOW + MINUTE, "refused"),
    "give_up_delivery": lambda store: store.deliveries.give_up("d", NOW, "refused"),
    "retry": lambda store: store.deliveries.retry("d", NOW + MINUTE),
    "note_version": lambda store: store.picos.note_version(replace(VERSION, hash="1f", origin=None)),
    "add_deed": lambda store: store.audit.add(replace(DEED, told=None, name=None)),
    "add_token": lambda store: store.tokens.add(replace(TOKEN, name="bo", expires=None)),
    "remove_token": lambda store: store.tokens.remove("anna"),
    "add_alert": lambda store: store.alerts.put(replace(ALERT, name="me", made=None, made_by=None)),
    "change_alert": lambda store: store.alerts.put(replace(ALERT, to="mailto:a@b", on=("late",), secret="")),
    "add_window": lambda store: store.windows.put(replace(WINDOW, name="night")),
    "change_window": lambda store: store.windows.put(replace(WINDOW, opens="0 9 * * *", tz="Asia/Tokyo")),
    "remove_window": lambda store: store.windows.remove("day"),
    "remove_alert": lambda store: store.alerts.remove("ops"),
    "remove_deliveries": lambda store: store.deliveries.remove_of("p"),
    "delivered": lambda store: store.deliveries.remove("d"),
    "receive": lambda store: store.deliveries.receive("p", "key2", "e5", NOW),
    "mark": lambda store: store.begun.mark("once", 2),
    "take_back": lambda store: store.begun.take_back(["once"]),
    "unmark": lambda store: store.begun.unmark("once"),
    "unmark_all": lambda store: store.begun.unmark_all(),
}
"""One change of each kind to a store that is furnished, in a transaction."""


def everything(store: Store) -> dict[str, Any]:
    """All that `furnish` and CHANGES write, as it is read back."""
    picos = ("root", "p", "q")
    return {
        "picos": store.picos.picos(),
        "channels": [store.picos.channels(id) for id in picos],
        "installed": [store.picos.installed(id) for id in picos],
        "entities": [store.picos.entities(id, rid) for id in picos for rid in ("tea", "app:tea")],
        "elements": [[*store.picos.elements((id, "tea", "large")).items()] for id in picos],
        "waiting": [store.waiting(id, "tea") for id in picos],
        "coming": [store.coming(id) for id in picos],
        "meta": store.picos.meta("key"),
        "rows": [store.find_scheduled(id) for id in (*(row.id for row in ROWS), "new", "ended")],
        "changes": store.agenda.changes_of("each"),
        "fires": store.agenda.fires(),
        "journal": store.journal.entries(),
        "sources": [(each, store.sources.entries(each.id)) for each in store.sources.all()],
        "deliveries": [store.deliveries.find(id) for id in ("d", "d2", "d3", "d4")],
        "received": [store.deliveries.received("p", key) for key in ("key", "key2")],
        "begun": store.begun.all(),
        "tokens": store.tokens.all(),
        "alerts": store.alerts.all(),
        "windows": store.windows.all(),
        "versions": [store.picos.versions(id, "tea") for id in picos],
        "audit": store.audit.deeds(None, 10, {}),
    }


def rows_of_file(file: str, *, few: bool = False) -> dict[str, list[Row]]:
    """All rows of all tables that a file has, with the numbers that order them, and without marks."""
    connection = sqlite3.connect(file)
    found = {}
    for name, sql in connection.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table'"
    ).fetchall():
        if name.startswith(("sqlite_", "_sqlite")):
            continue
        number = "" if "WITHOUT ROWID" in sql or name == "ruleset" else "rowid, "
        rows = connection.execute(f"SELECT {number}* FROM {name}").fetchall()
        found[name] = sorted(row for row in rows if row[0] != "migration")
    connection.close()
    assert len(found) == len(TABLES) and (few or sum(map(bool, found.values())) > 12)
    return found
