"""An engine in this process and one behind a server: one story, told to both, ends the same.

Each step of `STORY` is taken with an `Engine`, and with a `Remote` that talks to a real server over a real
socket, both on a virtual clock. What a step gives, or the error it raises, must be equal; ids are compared by
the order in which they first appear.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import fields, is_dataclass
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from web.running import running

from picosched import Engine, Filter, PicoschedError, Turn, VirtualClock
from picosched.clock import format_time, parse_time
from picosched.remote import Remote
from picosched.schedule.scheduled import Status
from picosched.sources.reading import read_source

pytestmark = pytest.mark.slow

ID = re.compile(r"\b[0-9a-f]{32}\b")
START = "2026-03-01T00:00:00Z"
RULES = """
ruleset tea {
  meta { shares cups, given }
  global {
    cups = function() { ent:cups.defaultsTo(0) }
    given = function(a, b) { {"a": a, "b": b} }
    sum = function(a) { time:add(a, {"days": 1}) }
  }
  rule start {
    select when tea started
    pre { minutes = event:attrs{"minutes"} }
    if minutes > 0 then send_directive("say", {"text": "steeping", "minutes": minutes})
    fired {
      schedule tea event "ready" at time:add(time:now(), {"minutes": minutes})
        attributes {"tea": event:attrs{"tea"}}
    }
  }
  rule ready { select when tea ready send_directive("ready", event:attrs) always { ent:cups := cups() + 1 } }
  rule daily {
    select when tea daily
    fired { schedule tea event "ready" repeat "0 9 * * *" attributes {"_name": event:attrs{"as"}} }
  }
  rule dicey {
    select when tea dicey
    fired {
      schedule tea event "broken" repeat "0 9 * * *"
        attributes {"_name": "dicey", "_retry": 2, "_misfire": "once", "_late_after": 90}
    }
  }
  rule broken { select when tea broken send_directive("sum", {"sum": sum("soon")}) }
}
"""
TICK = {"type": "metronome", "name": "tick", "interval": 60_000, "to": {"pico": "kitchen"}}
CHIMES = {
    "type": "crononome",
    "name": "chimes/of the hall",
    "to": {"tag": "bell"},
    "entries": [{"name": "noon", "expr": "0 12 * * *", "payload": {"n": 1}}],
}
ALERTS = {"ops": {"to": "http://a:b@127.0.0.1:9/hook?key=1", "on": ["late", "missed"], "secret": "s"}}
TABLE = {"type": "crontab", "name": "table", "to": {"pico": "kitchen"}, "file": "crontab"}


class Failed(NamedTuple):
    """The error of a step."""

    code: str
    message: str


class Place:
    """Where the story happens: the engine as it is reached, and what its steps keep for later ones."""

    def __init__(self, engine: Any, behind: Engine, folder: Path) -> None:
        self.engine, self.agenda, self.folder = engine, engine.agenda, folder
        self._behind = behind
        self._ids: dict[str, str] = {}

    def keep(self, **values: Any) -> Any:
        self.__dict__ |= values
        return [*values.values()]

    def pass_time(self, **duration: int) -> int:
        """Let virtual time pass; how many events were raised then."""
        clock = self._behind.clock
        assert isinstance(clock, VirtualClock)
        clock.advance(**duration)
        return self._behind.run_due()

    def sources(self, *declarations: Mapping[str, Any]) -> list[str]:
        read = [read_source(each, folder=self.folder) for each in declarations]
        ids: list[str] = self.engine.add_sources(read)
        return ids

    def plain(self, value: Any) -> Any:
        """A value to compare: dataclasses as maps, ids by the order in which they came."""
        if isinstance(value, str):
            return ID.sub(lambda id: self._ids.setdefault(id[0], f"#{len(self._ids)}"), value)
        if isinstance(value, datetime):
            return format_time(value)
        if isinstance(value, Exception):
            return self.plain(str(value))
        if isinstance(value, Mapping):
            return {self.plain(key): self.plain(each) for key, each in value.items()}
        if isinstance(value, list | tuple):
            return [*map(self.plain, value)]
        if isinstance(value, Turn):
            return self.plain([getattr(value, each) for each in OF_TURNS])
        if hasattr(value, "install"):
            return {"pico": self.plain(value.id), "name": value.name}
        if is_dataclass(value):
            names = {each.name for each in fields(value)} - NOT_TOLD
            return {"is": type(value).__name__} | {
                name: self.plain(getattr(value, name)) for name in sorted(names)
            }
        return value


OF_TURNS = ("handled", "directives", "errors", "warnings", "scheduled", "cancelled", "fired")
"""What a server tells of a turn. Its `eid` is asked for where the journal has it."""

NOT_TOLD = {"keep_until", "file", "spaced_from", "made_by"}
"""Fields that do not travel, or that name the surface."""

Step = Callable[[Any], Any]

PICOS: list[Step] = [
    lambda it: [it.engine.root, it.engine.root.parent, it.engine.picos()],
    lambda it: [getattr(it.engine.settings, name) for name in ("granularity", "min_period", "misfire")],
    lambda it: it.keep(kitchen=it.engine.new_pico("kitchen")),
    lambda it: it.engine.new_pico("kitchen", unique=True),
    lambda it: it.keep(shelf=it.engine.new_pico("shelf", it.kitchen.id, unique=True)),
    lambda it: [it.engine.new_pico("drawer"), it.engine.new_pico("drawer")],
    lambda it: it.engine.new_pico("lost", "nosuch"),
    lambda it: it.engine.pico("nosuch"),
    lambda it: [it.engine.pico("shelf").parent == it.kitchen, it.engine.pico(it.kitchen.id)],
]
RULESETS: list[Step] = [
    lambda it: [(each.rid, each.hash) for each in [it.kitchen.install(RULES, {"a": 1})]],
    lambda it: it.kitchen.rulesets(),
    lambda it: it.kitchen.install("ruleset broken {\n  rule a { select when }\n}\n"),
    lambda it: it.kitchen.install("ruleset other {\n  meta { use module nosuch }\n}\n"),
    lambda it: it.kitchen.install(Path("nosuch.krl")),
    lambda it: [
        it.shelf.install("ruleset other {\n}\n").rid,
        it.shelf.uninstall("other"),
        it.shelf.rulesets(),
    ],
]
CHANNELS: list[Step] = [
    lambda it: it.keep(app=it.kitchen.new_channel(["App", "bell"], ["tea:*"], ["tea:cups"], ["tea:broken"])),
    lambda it: it.keep(spare=it.kitchen.new_channel()),
    lambda it: it.kitchen.new_channel(["x"], ["nocolon"]),
    lambda it: it.kitchen.channels()[-2:],
    lambda it: [each.delete_channel(it.spare.eci) for each in (it.shelf, it.kitchen, it.kitchen)],
]
EVENTS: list[Step] = [
    lambda it: it.kitchen.raise_event("tea", "started", {"minutes": 5, "tea": "green"}),
    lambda it: it.kitchen.raise_event("tea", "started", {"minutes": 0}),
    lambda it: it.kitchen.raise_event("tea", "broken"),
    lambda it: it.engine.raise_event(it.app.eci, "tea", "started", {"minutes": 90}),
    lambda it: it.engine.raise_event(it.app.eci, "tea", "daily", {"as": "morning"}),
    lambda it: it.engine.raise_event(it.app.eci, "tea", "broken"),
    lambda it: it.engine.raise_event(it.app.eci, "coffee", "started"),
    lambda it: it.engine.raise_event("nosuch", "tea", "started"),
    lambda it: it.kitchen.raise_event("tea", "started", {"a": "x" * 1_000_001}),
    lambda it: it.kitchen.query("tea", "given", {"b": [1, {"c": None}], "a": 12345678901234567890123}),
    lambda it: it.kitchen.query("tea", "nosuch"),
    lambda it: it.engine.query(it.app.eci, "tea", "given"),
]
AGENDA: list[Step] = [
    lambda it: it.keep(rows=it.agenda.scheduled(Filter())),
    lambda it: it.keep(ids=[each.id for each in it.rows], day=it.rows[-1].id),
    lambda it: [
        [it.agenda.scheduled(which), it.agenda.count(which)]
        for which in (
            Filter(rid="tea", domain="tea", type="ready", kind="at"),
            Filter(name="morning"),
            Filter(status=(Status.PAUSED,)),
            Filter(since=parse_time("2026-03-01T01:00:00Z")),
            Filter(until=parse_time("2026-03-01T01:00:00Z")),
            Filter(text="GREEN"),
            Filter(pico_id=it.shelf.id),
        )
    ],
    lambda it: [it.agenda.load(it.day), it.agenda.find(it.day), it.agenda.find("nosuch")],
    lambda it: it.agenda.load("nosuch"),
    lambda it: [it.agenda.next_times(it.day), it.agenda.next_times(it.day, 0)],
    lambda it: it.agenda.next_times("nosuch"),
    lambda it: [it.engine.ics(Filter(rid="tea"), 7), it.engine.ics(Filter(), limit=2)],
    lambda it: it.engine.ics(Filter(), 0),
    lambda it: [it.engine.not_firing(Filter(), 7), it.engine.not_firing(Filter(name="morning"), 366, 2)],
    lambda it: it.engine.not_firing(Filter(), 0),
    lambda it: it.engine.load(),
    lambda it: it.engine.load(parse_time("2026-03-02"), parse_time("2026-03-03"), "0 9 * * *"),
    lambda it: it.engine.load(parse_time("2026-03-02"), parse_time("2026-03-01")),
    lambda it: it.engine.load(suggest="61 9 * * *"),
    lambda it: [it.agenda.ids_like(it.day[:9]), it.agenda.ids_like("nosuch", live=True)],
    lambda it: it.agenda.names(it.rows),
    lambda it: it.agenda.pause([it.day, "nosuch"], parse_time("2026-03-08"), dry_run=True),
    lambda it: it.agenda.pause([it.day], parse_time("2026-03-08")),
    lambda it: [it.agenda.resume([it.day]), it.agenda.resume([it.day])],
    lambda it: it.agenda.move(it.ids, timedelta(hours=1, milliseconds=500), dry_run=True),
    lambda it: it.agenda.move([it.day], parse_time("2026-03-01T20:00:00Z")),
    lambda it: it.agenda.move([it.day], timedelta(minutes=-5)),
    lambda it: it.agenda.reschedule([it.day], "30 8 * * *", "Europe/Rome"),
    lambda it: it.agenda.reschedule([], "61 * * * *"),
    lambda it: it.agenda.reschedule([it.day], "@daily", "Europe/Nowhere"),
    lambda it: it.agenda.fire_now(it.day),
    lambda it: it.agenda.fire_now("nosuch"),
    lambda it: it.agenda.cancel([it.ids[1], "nosuch"], dry_run=True),
    lambda it: [it.agenda.cancel([it.ids[1]], "no more"), it.agenda.cancel([it.ids[1]])],
]
OWN: list[Step] = [
    lambda it: [it.kitchen.scheduled("tea"), it.kitchen.scheduled("nosuch"), it.shelf.scheduled()],
    lambda it: [it.kitchen.pause(it.day, "2026-04-01"), it.kitchen.resume(it.day), it.kitchen.resume(it.day)],
    lambda it: it.kitchen.pause(it.day, "soon"),
    lambda it: [it.kitchen.move(it.day, timedelta(hours=1)), it.kitchen.reschedule(it.day, "@daily", "UTC")],
    lambda it: [it.kitchen.next_times(it.day, 2), it.kitchen.next_times("nosuch")],
    lambda it: it.kitchen.fire_now(it.day),
    lambda it: [it.shelf.cancel(it.day), it.shelf.move(it.day, START), it.shelf.next_times(it.day)],
    lambda it: it.shelf.fire_now(it.day),
    lambda it: [
        [
            made.is_new,
            made.warnings,
            made.row.due,
            made.row.asked,
            made.row.attrs,
            made.row.tz,
            made.row.timespec,
        ]
        for given in (
            {"repeat": "* * * * *", "attributes": {"_name": "often", "n": 1}},
            {"repeat": "0 9 * * *", "attributes": {"_name": "often"}},
            {"repeat": {"hours": 9}, "attributes": {"_timezone": "Europe/Rome"}},
            {"at": "2026-03-01T00:30:30Z"},
            {"at": parse_time("2026-03-01T00:30:30Z")},
            {"at": 1772326800000},
        )
        for made in [it.shelf.schedule("tea", "due", **given)]
    ],
    lambda it: it.shelf.schedule("tea", "due"),
    lambda it: it.shelf.schedule("tea:due", at="2026-03-02"),
    lambda it: it.shelf.schedule("tea", "due", at="soon"),
    lambda it: it.shelf.schedule("tea", "due", repeat="61 * * * *"),
    lambda it: it.shelf.schedule("tea", "due", at="2026-03-02", attributes={"_count": 2}),
    lambda it: len([it.shelf.cancel(each.id) for each in it.shelf.scheduled()]),
]
PAST: list[Step] = [
    lambda it: [it.pass_time(minutes=5), it.kitchen.query("tea", "cups")],
    lambda it: it.pass_time(days=2),
    lambda it: [it.agenda.load(it.ids[0]), it.agenda.ids_like(it.ids[0], live=True)],
    lambda it: it.agenda.backfill(it.day, parse_time("2026-03-01"), parse_time("2026-03-02"), dry_run=True),
    lambda it: it.agenda.backfill(it.day, parse_time("2026-03-01"), parse_time("2026-03-02")),
    lambda it: it.agenda.backfill(it.day, parse_time("2026-03-01"), parse_time("2030-03-02")),
    lambda it: it.agenda.backfill(it.ids[1], parse_time("2026-03-01"), parse_time("2026-03-02")),
    lambda it: it.agenda.backfill("nosuch", parse_time("2026-03-01"), parse_time("2026-03-02")),
    lambda it: [it.agenda.history(), it.agenda.history(it.kitchen.id, it.day, 2, "fired")],
    lambda it: [it.agenda.history(outcome="cancelled"), it.engine.history(id="nosuch")],
    lambda it: [it.kitchen.history(it.day), it.kitchen.history(limit=1), it.shelf.history()],
    lambda it: it.keep(turns=it.engine.journal()),
    lambda it: [it.engine.journal(it.kitchen.id, 2), it.engine.journal(eid=it.turns[0].eid)],
    lambda it: [it.engine.why("tea.ready"), it.engine.why("tea.start"), it.engine.why(it.turns[0].eid)],
    lambda it: it.engine.why("nosuch"),
    lambda it: it.engine.plan([RULES.replace("+ 1 }", "+ 2 }")], 2, asserted=["at most 0 fires/day"]),
    lambda it: [it.engine.plan([RULES]), it.engine.plan([RULES], pico="nosuch")],
    lambda it: it.engine.plan([RULES], 1_000),
    lambda it: it.engine.replay("2026-03-01T00:04:00Z", "2026-03-01T01:00:00Z"),
    lambda it: it.engine.replay(
        "2026-03-01T00:04:00Z", rulesets=[RULES.replace("+ 1 }", "+ 2 }")], first=True
    ),
    lambda it: [it.engine.replay("2020-03-01"), it.engine.replay("2026-03-03", most=0), it.engine.replay()],
    lambda it: it.engine.why_between(it.day, parse_time("2026-03-01"), parse_time("2026-03-04")),
    lambda it: it.engine.why_between("tea.start", parse_time("2026-03-01"), parse_time("2026-02-01")),
    lambda it: [it.engine.whole(), it.engine.whole("kitchen"), it.engine.whole("nosuch")],
    lambda it: [it.engine.journal(eid="nosuch"), it.agenda.names(it.turns)],
    lambda it: [*islice(it.engine.follow(2, it.kitchen.id), 3)],
]
OF_SOURCES: list[Step] = [
    lambda it: it.keep(tick=it.sources(TICK)[0]),
    lambda it: it.sources({**TICK, "name": "second"}, TICK),
    lambda it: it.sources({**TICK, "name": "lost", "to": {"pico": "nosuch"}}),
    lambda it: [it.sources(), it.sources(CHIMES, TABLE)],
    lambda it: [(each.name, each.entries, each.to, each.due) for each in it.engine.sources()],
    lambda it: it.engine.source("nosuch"),
    lambda it: [it.engine.pause_source("tick"), it.engine.pause_source("nosuch")],
    lambda it: it.engine.pause_source("chimes/of the hall", parse_time("2026-04-01")),
    lambda it: [it.engine.source(each) for each in ("tick", "chimes/of the hall")],
    lambda it: [it.engine.resume_source(each) for each in (it.tick, "tick", "nosuch")],
    lambda it: [it.pass_time(minutes=1), it.engine.source("tick")],
    lambda it: [it.engine.remove_source(each) for each in ("tick", it.tick, "table", "nosuch")],
    lambda it: [each.name for each in it.engine.sources()],
]
ALERTED: list[Step] = [
    lambda it: it.engine.alerts(),
    lambda it: it.engine.add_alert("made", "https://ada:pw@ops.example/hook?key=1", after=3, secret="s"),
    lambda it: it.engine.add_alert("made", "mailto:a@b.example"),
    lambda it: it.engine.add_alert("a b", "mailto:a@b.example"),
    lambda it: it.engine.add_alert("none", "eci:nosuchchannel"),
    lambda it: it.engine.change_alert("made", on=["late"]),
    lambda it: it.engine.change_alert("nosuch", after=2),
    lambda it: it.engine.test_alert("made"),
    lambda it: it.engine.test_alert("nosuch"),
    lambda it: it.engine.alerts(),
    lambda it: [it.engine.remove_alert(each) for each in ("made", "nosuch")],
    lambda it: [it.engine.drop_delivery(each.id) for each in it.engine.deliveries()],
    lambda it: it.engine.alerts(),
]
WINDOWED: list[Step] = [
    lambda it: it.engine.windows(),
    lambda it: it.engine.add_window("made", "weekdays at 8:00", "0 18 * * 1-5", tz="Europe/Berlin"),
    lambda it: it.engine.add_window("made", "0 8 * * *", "0 9 * * *"),
    lambda it: it.engine.add_window("a b", "0 8 * * *", "0 9 * * *"),
    lambda it: it.engine.add_window("none", "at dinner", "0 9 * * *"),
    lambda it: it.engine.change_window("made", tz="UTC"),
    lambda it: it.engine.change_window("made", opens="0 7 * * *", closes="0 8 * * *"),
    lambda it: it.engine.change_window("nosuch", tz="UTC"),
    lambda it: it.keep(
        tied=it.engine.root.schedule(
            "a", "b", repeat="@daily", attributes={"_window": "made", "_name": "t"}
        ).id
    ),
    lambda it: it.engine.remove_window("made"),
    lambda it: it.engine.windows(),
    lambda it: it.engine.remove_window("made", force=True),
    lambda it: [it.engine.remove_window("made"), len(it.agenda.cancel([it.tied])), it.engine.windows()],
]
COPIES: list[Step] = [
    lambda it: it.keep(document=it.engine.export_pico("kitchen", history=True)),
    lambda it: it.engine.export_pico("nosuch"),
    lambda it: it.engine.import_pico(it.document),
    lambda it: it.engine.import_pico(it.document, name="copy", keep_ecis=True),
    lambda it: it.engine.import_pico({**it.document, "version": 2}, name="copy"),
    lambda it: it.engine.import_pico(it.document, "nosuch", "copy"),
    lambda it: it.keep(copy=it.engine.import_pico(it.document, it.shelf.id, "copy")),
    lambda it: [it.copy.parent, it.copy.scheduled(), it.copy.query("tea", "cups"), it.copy.channels()],
]
TRIED: list[Step] = [
    lambda it: it.keep(risky=it.engine.new_pico("risky")),
    lambda it: [(each.rid, each.hash) for each in [it.risky.install(RULES)]],
    lambda it: it.risky.raise_event("tea", "dicey"),
    lambda it: it.sources(
        {
            **CHIMES,
            "name": "cracked",
            "to": {"pico": "risky"},
            "type": "crontab",
            "retry": 3,
            "late_after": 5,
            "on_failure": "pause after 9",
            "misfire": "once",
            "entries": [{"name": "noon", "when": "0 12 * * *", "event": "tea:broken"}],
        }
    ),
    lambda it: [it.pass_time(days=3), it.pass_time(minutes=1), it.pass_time(minutes=30)],
    lambda it: it.keep(dicey=it.risky.scheduled()[0].id, line=it.engine.source("cracked").entries[0].id),
    # When a try is made depends on an id, which is drawn.
    lambda it: [
        [(each.outcome, each.stands_for, each.asked) for each in history]
        for history in (
            it.agenda.history(id=it.dicey),
            it.agenda.history(id=it.line),
            it.risky.history(it.dicey),
            it.engine.import_pico(it.engine.export_pico("risky", history=True), name="riskier").history(),
        )
    ],
    lambda it: [(each.tries, each.failed, each.missed) for each in it.engine.source("cracked").entries],
    lambda it: [it.agenda.load(it.dicey).due, len(it.engine.deliveries()), it.engine.load().total],
    lambda it: it.engine.remove_source("cracked"),
]
ENDS: list[Step] = [
    lambda it: it.engine.root.delete(),
    lambda it: it.kitchen.delete(),
    lambda it: it.kitchen.delete(),
    lambda it: it.kitchen.install(RULES),
    lambda it: it.kitchen.raise_event("tea", "started"),
    lambda it: it.kitchen.scheduled(),
    lambda it: it.kitchen.cancel(it.day),
    lambda it: it.engine.raise_event(it.app.eci, "tea", "started"),
    lambda it: [it.engine.picos(), it.agenda.scheduled(Filter()), it.agenda.names(it.engine.journal())],
]
STORY = [
    *PICOS,
    *RULESETS,
    *CHANNELS,
    *EVENTS,
    *AGENDA,
    *OWN,
    *PAST,
    *OF_SOURCES,
    *ALERTED,
    *WINDOWED,
    *COPIES,
    *TRIED,
    *ENDS,
]


def told(place: Place) -> Iterator[tuple[str, Any]]:
    """What each step gives, or its error."""
    for step in STORY:
        try:
            given = place.plain(step(place))
        except PicoschedError as error:
            given = Failed(error.code, place.plain(str(error)))
        yield inspect.getsource(step).strip(), given


def engine_in(folder: Path) -> Engine:
    folder.mkdir(exist_ok=True)
    (folder / "crontab").write_text("0 3 * * * /bin/true\n")
    clock = VirtualClock(START)
    options = {"granularity": 1, "min_period": 0, "history_days": 365, "misfire": "all"}
    snapshots = {"snapshots_in": str(folder / "snapshots"), "snapshots_kept": 100}
    return Engine(folder / "picos.db", clock, alerts=ALERTS, **options, **snapshots)


def with_snapshot(folder: Path) -> Engine:
    """An engine whose first snapshot is made before its server starts: else it would have any number of the
    turns that a server begins with, as it is made beside them."""
    with engine_in(folder) as engine:
        engine.run_due()
    return engine_in(folder)


@contextmanager
def here(folder: Path) -> Iterator[Place]:
    with running(folder, engine=with_snapshot(folder)):
        pass  # so that both begin with what a server puts into its database
    with engine_in(folder) as engine:
        yield Place(engine, engine, folder)


@contextmanager
def there(folder: Path) -> Iterator[Place]:
    with (
        running(folder, engine=with_snapshot(folder), token=True) as site,
        Remote(site.url, site.token) as remote,
    ):
        site.engine.stop()  # time passes by hand
        yield Place(remote, site.engine, folder)


def test_an_engine_and_a_server_tell_one_story(tmp_path: Path) -> None:
    with here(tmp_path / "here") as place:
        mine = [*told(place)]
    with there(tmp_path / "there") as place:
        its = [*told(place)]
    assert [pair for pair in zip(mine, its, strict=True) if pair[0] != pair[1]] == []
    codes = [given.code for _, given in mine if isinstance(given, Failed)]
    assert {*codes} >= {"invalid", "not_found", "refused", "conflict", "too_large"}
    assert len(codes) > 30
