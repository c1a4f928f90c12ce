"""A replay does again what people did in between: each thing at its place, so that each turn is as it was."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import timedelta
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from hypothesis import example, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from picosched import Engine, VirtualClock
from picosched.engine.flushing import flush
from picosched.engine.replayed import Replayed, read_replayed
from picosched.errors import PicoschedError
from picosched.schedule.scheduled import Scheduled
from picosched.sources.reading import read_source
from picosched.store import rows
from picosched.store.interventions import of_intervention
from picosched.store.store import Store

START = "2026-03-01T00:00:00Z"
RULES = """ruleset watch {
  rule begin { select when a begin
    fired {
      schedule a event "tick" repeat "*/20 * * * *" attributes {"_name": "tick", "_misfire": "all"}
      schedule a event "once" at time:add(time:now(), {"minutes": 50}) attributes {"_name": "once"}
    } }
  rule seen { select where event:domain == "a"
    pre { step = meta:rulesetConfig{"step"}.defaultsTo(1)
          coming = schedule:list().map(function(it) { [it{"id"}, it{"time"}, it{"timespec"}] }) }
    send_directive("seen", {"n": ent:n, "at": time:now(), "coming": coming,
      "channels": ctx:channels.length(), "rulesets": ctx:rulesets.map(function(it) { it{"rid"} })})
    fired { ent:n := ent:n.defaultsTo(0) + step } }
}"""
ONE = 'ruleset guest { rule seen { select where event:domain == "a" send_directive("guest", {"n": 1}) } }'
TWO = ONE.replace('"n": 1', '"n": 2')
EDGES = """ruleset edges {
  rule edge { select when window opened or window closed
    send_directive(event:type, event:attrs.put("open", window:list().map(function(it) { it{"open"} }))) }
}"""
TICK = {"type": "crontab", "name": "s", "to": {"pico": "root"}, "misfire": "all"}


def table(when: str = "*/7 * * * *", **more: Any) -> dict[str, Any]:
    return {**TICK, **more, "entries": [{"name": "e", "when": when, "event": "a:rung"}]}


METRONOME = {"type": "metronome", "name": "m", "interval": 240_000, "event": "a:beat", "to": {"pico": "root"}}


class Lived(NamedTuple):
    """An engine whose people do things, and a backup from before."""

    engine: Engine
    backup: Store

    @property
    def rows(self) -> list[Scheduled]:
        return self.engine.agenda.scheduled()

    def replay(self, *rulesets: str) -> Replayed:
        self.engine.root.raise_event("a", "look")
        return self.engine.replay(rulesets=rulesets, backup=self.backup)

    def run(self, minutes: float, *, idle: bool = False) -> None:
        """Let time pass; if `idle`, nothing runs meanwhile."""
        self.engine.clock.advance(minutes=minutes)
        if not idle:
            self.engine.run_due()


def living() -> Iterator[Lived]:
    with Engine(":memory:", VirtualClock(START), granularity=1, min_period=0) as engine:
        engine.root.install(RULES)
        engine.root.raise_event("a", "begin")
        with closing(engine.store.copy()) as backup:
            yield Lived(engine, backup)


@pytest.fixture
def lived() -> Iterator[Lived]:
    yield from living()


# ---- one thing after the other ---------------------------------------------------------------------

Act = Callable[[Lived], Any]


def first_row(lived: Lived) -> str:
    rows = lived.rows
    if not rows:
        raise PicoschedError("nothing is scheduled", "not_found")
    return rows[0].id


def last_child(lived: Lived) -> Any:
    return lived.engine.picos()[-1]


def channel_gone(lived: Lived) -> None:
    for each in lived.engine.root.channels()[:1]:
        lived.engine.root.delete_channel(each.eci)


def child_made(lived: Lived) -> None:
    child = lived.engine.new_pico()
    child.install(RULES, {"step": 4})
    child.raise_event("a", "begin")


def by_channel(lived: Lived) -> None:
    for each in lived.engine.root.channels()[:1]:
        lived.engine.raise_event(each.eci, "a", "came")


def filled(lived: Lived) -> None:
    row = first_row(lived)
    now = lived.engine.now()
    lived.engine.agenda.backfill(row, now - timedelta(hours=1), now)


def brought(when: str) -> Act:
    return lambda it: it.engine.bring_sources([read_source({**table(when), "name": "configured"})])


ACTS: dict[str, Act] = {
    "look": lambda it: it.engine.root.raise_event("a", "look"),
    "schedule": lambda it: it.engine.root.schedule("a", "person", repeat="*/6 * * * *"),
    "schedule once": lambda it: it.engine.root.schedule(
        "a", "person", at=timedelta(minutes=12), attributes={"_jitter": 60_000}
    ),
    "schedule of a name": lambda it: it.engine.root.schedule(
        "a", "person", repeat="*/15 * * * *", attributes={"_name": "tick"}
    ),
    "schedule instead": lambda it: it.engine.root.schedule(
        "a",
        "person",
        repeat="*/10 * * * *",
        attributes={"_name": "tick", "_if_exists": "replace", "_misfire": "all"},
    ),
    "begin": lambda it: it.engine.root.raise_event("a", "begin"),
    "pass": lambda it: it.run(25),
    "pass a little": lambda it: it.run(3.3),
    "nothing runs": lambda it: it.run(47, idle=True),
    "run": lambda it: it.engine.run_due(),
    "move": lambda it: it.engine.agenda.move(first_row(it), timedelta(minutes=7)),
    "move all": lambda it: it.engine.agenda.move([each.id for each in it.rows], "2026-03-01T03:03:00Z"),
    "cancel": lambda it: it.engine.agenda.cancel(first_row(it), "no more"),
    "pause": lambda it: it.engine.agenda.pause(first_row(it)),
    "pause for long": lambda it: it.engine.agenda.pause(first_row(it), it.engine.now() + timedelta(hours=1)),
    "resume": lambda it: it.engine.agenda.resume([each.id for each in it.rows]),
    "reschedule": lambda it: it.engine.agenda.reschedule(first_row(it), "*/9 * * * *", "Europe/Rome"),
    "fire": lambda it: it.engine.agenda.fire_now(first_row(it)),
    "backfill": filled,
    "install": lambda it: it.engine.root.install(ONE),
    "install other": lambda it: it.engine.root.install(TWO),
    "configure": lambda it: it.engine.root.install(RULES, {"step": 3}),
    "go back": lambda it: it.engine.root.go_back("guest"),
    "uninstall": lambda it: it.engine.root.uninstall("guest"),
    "channel": lambda it: it.engine.root.new_channel(["t"], deny_events=["b:*"]),
    "no channel": channel_gone,
    "by channel": by_channel,
    "child": child_made,
    "child looks": lambda it: last_child(it).raise_event("a", "look"),
    "no child": lambda it: last_child(it).delete(),
    "source": lambda it: it.engine.add_source(table()),
    "metronome": lambda it: it.engine.add_source(METRONOME),
    "pause source": lambda it: it.engine.pause_source("s"),
    "pause source for long": lambda it: it.engine.pause_source("s", it.engine.now() + timedelta(hours=1)),
    "resume source": lambda it: it.engine.resume_source("s"),
    "no source": lambda it: it.engine.remove_source("s"),
    "window": lambda it: it.engine.add_window("w", "*/30 * * * *", "10/30 * * * *"),
    "window otherwise": lambda it: it.engine.change_window("w", closes="20/30 * * * *"),
    "no window": lambda it: it.engine.remove_window("w", force=True),
    "in the window": lambda it: it.engine.root.schedule(
        "a", "within", repeat="*/5 * * * *", attributes={"_window": "w", "_misfire": "all"}
    ),
    "edges": lambda it: it.engine.root.install(EDGES),
    "configured": brought("*/11 * * * *"),
    "configured otherwise": brought("*/13 * * * *"),
}
"""What happens, most of it by people; some of it is refused, as there is nothing to do it to."""


def do(lived: Lived, acts: list[str]) -> None:
    for act in acts:
        with suppress(PicoschedError):
            ACTS[act](lived)


@hypothesis_settings(max_examples=30, deadline=None)
@example(["nothing runs", "move", "fire", "cancel"])
@example(["nothing runs", "pause", "resume"])
@example(["schedule of a name", "schedule once", "nothing runs", "schedule instead", "schedule", "pass"])
@example(["pause for long", "nothing runs", "nothing runs", "look", "run"])
@example(["source", "pause source for long", "nothing runs", "nothing runs", "look", "pass"])
@example(["fire", "backfill", "pass", "backfill"])
@example(["child", "pass", "nothing runs", "no child", "pass"])
@example(["install", "pass", "install other", "go back", "pass", "uninstall", "configure", "pass"])
@example(["configured", "pass", "nothing runs", "configured otherwise", "look", "pass"])
@example(["source", "nothing runs", "no source", "source", "pass", "channel", "by channel", "no channel"])
@example(["edges", "window", "in the window", "pass", "window otherwise", "pass", "no window", "pass"])
@example(["window", "edges", "nothing runs", "window otherwise", "no window", "window", "look", "pass"])
@given(st.lists(st.sampled_from([*ACTS]), min_size=1, max_size=20))
def test_any_history_of_people_is_replayed(acts: list[str]) -> None:
    for lived in living():
        do(lived, acts)
        found = lived.replay()
        assert (found.differences, found.unsure, found.lost) == ([], [], 0), "\n".join(found.lines())
        assert (found.not_replayed, found.changed) == ((), ())


# ---- and with other rulesets ---------------------------------------------------------------------------


def test_a_persons_schedule_for_which_there_is_no_room_goes_another_way() -> None:
    one = """ruleset r { rule begin { select when a begin
      fired { schedule a event "x" at "2026-03-01T05:00:00Z" } } }"""
    two = one.replace("fired {", 'fired { schedule a event "y" at "2026-03-01T06:00:00Z"; ')
    with Engine(":memory:", VirtualClock(START), granularity=1, max_pending=2) as engine:
        engine.root.install(one)
        engine.root.raise_event("a", "look")
        with closing(engine.store.copy()) as backup:
            engine.root.raise_event("a", "begin")
            engine.root.schedule("a", "person", at=timedelta(minutes=1))
            engine.clock.advance(minutes=2)
            engine.run_due()
            assert (found := engine.replay(backup=backup)).redone == 1 and found.differences == []
            found = engine.replay(backup=backup, rulesets=[two])
    assert found.not_replayed == () and found.unsure == []
    assert found.differences[0].became == []  # nothing fires at its time


def test_a_ruleset_that_stands_in_stays_though_people_installed_another(lived: Lived) -> None:
    do(lived, ["install", "pass", "look"])
    other = lived.engine.new_pico("other")
    other.install(ONE)
    do(lived, ["install other", "child looks"])
    found = lived.replay(TWO)
    assert {each.pico for each in found.differences} == {"root", "other"}
    assert all('< guest {"n": 2}' in each.became for each in found.differences)


def test_what_people_cancelled_is_raised_if_it_is_another_here(lived: Lived) -> None:
    do(lived, ["nothing runs", "cancel", "look", "pass"])
    found = lived.replay(RULES.replace("*/20 * * * *", "*/10 * * * *"))
    assert (found.differences, found.unsure) == ([], [])  # it has the same id, and was made before


def test_what_people_did_is_counted_once_each(lived: Lived) -> None:
    lived.engine.root.install(ONE)
    with closing(lived.engine.store.copy()) as backup:
        row = lived.engine.root.schedule("a", "person", at=timedelta(hours=9)).row
        lived.engine.agenda.cancel(row.id)
        do(lived, ["begin", "fire", "move", "fire", "channel", "no channel", "look"])
        found = lived.engine.replay(backup=backup)
        assert (found.differences, found.redone) == ([], 7)


def test_a_change_to_what_other_rules_never_make_is_not_counted() -> None:
    one = """ruleset r { rule begin { select when a begin
      fired { schedule a event "x" repeat "0 * * * *" } } }"""
    idle = one.replace('schedule a event "x" repeat "0 * * * *"', "ent:n := 1")
    with Engine(":memory:", VirtualClock(START)) as engine:
        engine.root.install(one)
        engine.root.raise_event("a", "look")
        with closing(engine.store.copy()) as backup:
            engine.root.raise_event("a", "begin")
            (row,) = engine.agenda.scheduled()
            engine.clock.advance(hours=2)
            engine.agenda.fire_now(row.id)
            engine.agenda.backfill(row.id, START, engine.now())
            engine.agenda.cancel(row.id)
            engine.root.raise_event("a", "look")
            same = engine.replay(backup=backup)
            assert same.redone >= 2 and same.differences == []
            other = engine.replay(backup=backup, rulesets=[idle])
    assert (other.redone, other.not_replayed) == (0, ())
    assert not [line for line in other.lines() if line.startswith("done again")]


FAILING = """ruleset r {
  rule begin { select when a begin
    fired { schedule a event "bad" repeat "*/10 * * * *" attributes {"_name": "b"} } }
  rule bad { select when a bad pre { x = "a" - 1 } noop() }
  rule told { select where event:domain == "schedule"
    send_directive("told", {"coming": schedule:list().map(function(it) { it{"id"} })})
    fired { ent:n := ent:n.defaultsTo(0) + 1 } }
  rule look { select when a look send_directive("n", {"n": ent:n}) }
}"""
AND_THEN: dict[str, Callable[[Engine, str], Any]] = {
    "added": lambda engine, eci: engine.add_alert("more", eci, on=["failed"]),
    "removed": lambda engine, eci: engine.remove_alert("there"),
    "changed": lambda engine, eci: engine.change_alert("there", after=3),
    "to a url": lambda engine, eci: engine.change_alert("there", to="https://hunter2@example.org/x"),
    "from a url": lambda engine, eci: engine.change_alert("elsewhere", to=eci),
}


@pytest.mark.parametrize("what", AND_THEN)
def test_alerts_of_people_tell_again_as_they_did(what: str) -> None:
    with Engine(":memory:", VirtualClock(START), granularity=1, min_period=0) as engine:
        engine.root.install(FAILING)
        eci = f"eci:{engine.root.new_channel(['t']).eci}"
        engine.add_alert("there", eci, on=["failed"])
        engine.add_alert("elsewhere", "https://example.org/x", on=["failed"])
        engine.root.raise_event("a", "begin")
        engine.run_until("2026-03-01T00:15:00Z")
        with closing(engine.store.copy()) as backup:
            AND_THEN[what](engine, eci)
            for _ in range(5):
                engine.clock.advance(minutes=13)
                engine.run_due()
                engine.root.raise_event("a", "look")
            kept = engine.store.interventions.since(backup.interventions.last(), 9)
            assert "hunter2" not in str(kept)
            found = engine.replay(backup=backup)
    assert (found.differences, found.unsure, found.not_replayed) == ([], [], ()), found.lines()
    assert found.redone == 1 and found.turns > 5


def test_what_was_done_to_deliveries_is_named(lived: Lived) -> None:
    sending = """ruleset s { rule go { select when b go
      event:send({"eci": "abc", "domain": "b", "type": "came"}, "https://shop.example") } }"""
    engine = lived.engine
    engine.root.install(sending)
    for act in (engine.retry_delivery, engine.drop_delivery):
        engine.root.raise_event("b", "go")
        act(engine.deliveries()[0].id)
    found = lived.replay()
    assert (found.differences, found.redone) == ([], 1)
    assert [each.split(" at ")[0].rsplit(" ", 1)[0] for each in found.not_replayed] == [
        "delivery retried",
        "delivery dropped",
    ]


def test_a_word_of_a_newer_picosched_is_named(lived: Lived) -> None:
    engine = lived.engine
    for what in ("sung", "source sung"):
        told = {"ids": ["x"], "pico": engine.root.id}
        engine.write(engine.store.interventions.add, engine.now(), what, "anna", told)
    found = lived.replay()
    assert found.not_replayed == (
        "sung at 2026-03-01T00:00:00Z: this picosched does not know it",
        "source sung at 2026-03-01T00:00:00Z: this picosched does not know it",
    )
    assert (found.differences, found.unsure, found.redone) == ([], [], 0)


def test_interventions_are_done_in_the_order_of_turns(lived: Lived) -> None:
    """Whatever their numbers are: of several machines one may write its own later."""
    engine = lived.engine
    for _ in range(3):
        engine.root.raise_event("a", "look")
    engine.agenda.cancel(first_row(lived))
    engine.root.raise_event("a", "look")
    engine.root.install(ONE)
    engine.root.raise_event("a", "look")
    (cancelled, installed) = engine.store.interventions.since(lived.backup.interventions.last(), 9)
    assert cancelled.after < installed.after
    with engine.store.transaction():
        engine.store._database.run(f"DELETE FROM intervention WHERE seq = {cancelled.seq}")
        row = rows.checked(of_intervention(cancelled))
        engine.store._database.put("intervention", "add_intervention", row)
    assert [each.what for each in engine.store.interventions.since(cancelled.seq, 9)] == [
        "installed",
        "cancelled",
    ]
    found = lived.replay()
    assert (found.differences, found.unsure, found.redone) == ([], [], 2), found.lines()


def test_an_import_is_named_and_its_events_are_counted(lived: Lived) -> None:
    document = lived.engine.export_pico("root")
    lived.engine.import_pico(document, name="copy").raise_event("a", "look")
    found = lived.replay()
    assert (found.differences, found.unsure, found.lost) == ([], [], 1)
    (line,) = found.not_replayed
    assert line == "pico imported copy at 2026-03-01T00:00:00Z: what came with it is not on record"
    assert f"not replayed: {line}" in found.lines()
    assert read_replayed(found.as_json()) == found


def test_more_than_a_replay_may_read_is_refused(lived: Lived) -> None:
    for _ in range(3):
        do(lived, ["pause", "resume"])
    lived.engine.root.raise_event("a", "look")
    assert lived.engine.replay(backup=lived.backup, most=6).redone == 6
    with pytest.raises(PicoschedError, match=r"found more than 5 interventions .* start later"):
        lived.engine.replay(backup=lived.backup, most=5)


@pytest.mark.files
def test_other_settings_are_named(tmp_path: Path) -> None:
    with Engine(tmp_path / "picos.db", VirtualClock(START)) as engine:
        engine.root.install(RULES)
        engine.root.raise_event("a", "begin")
        engine.store.copy(tmp_path / "backup.db").close()
    for days in (30, 31):
        options = {"misfire": "all", "history_days": days}
        with Engine(tmp_path / "picos.db", VirtualClock("2026-03-01T03:00:00Z"), **options) as engine:
            engine.run_due()
            (line,) = engine.replay(backup=tmp_path / "backup.db").not_replayed
            assert line.endswith("found other settings: misfire; those of today stand for all")


def test_what_a_flush_installed_is_replayed(tmp_path: Path) -> None:
    file = tmp_path / "guest.krl"
    file.write_text(ONE)
    with Engine(":memory:", VirtualClock(START)) as engine:
        engine.root.install(file)
        engine.root.raise_event("a", "look")
        with closing(engine.store.copy()) as backup:
            file.write_text(TWO)
            flush(engine, str(file))
            engine.root.raise_event("a", "look")
            found = engine.replay(backup=backup)
    assert (found.turns, found.redone, found.differences, found.unsure) == (1, 1, [], [])
