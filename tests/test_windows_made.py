"""Windows made while the engine runs, beside those of rulesets and settings: kept, followed, removed."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from postgres_server import Server
from racing import SECONDS, race, until

from picosched import Engine, PicoschedError, VirtualClock
from picosched.acting import HTTP, Actor, Role
from picosched.check.windows import windows_in
from picosched.clock import format_time
from picosched.engine import depending
from picosched.schedule.window import MOST
from picosched.turns import windows as edges

SUNDAY = "2026-03-01T12:00:00Z"
DAY = ("0 8 * * *", "0 18 * * *")
RULES = """ruleset house {
  meta { shares open, list, seen, ticks }
  global {
    open = function(name) { window:open(name) }
    list = function() { window:list() }
    seen = function() { ent:seen.defaultsTo([]) }
    ticks = function() { ent:ticks.defaultsTo([]) }
  }
  rule edge {
    select when window opened or window closed
    always { ent:seen := seen().append(event:type + " " + event:attrs{"name"} + " " + event:attrs{"at"}) }
  }
  rule plan {
    select when house plan
    pre { within = event:attrs{"in"} }
    always { schedule house event "tick" repeat "0 * * * *" with _name = "tick" and _window = within }
  }
  rule tick { select when house tick always { ent:ticks := ticks().append(time:now()) } }
}"""
OWN = """ruleset own {
  meta { shares open  window day from "0 2 * * *" to "0 3 * * *" }
  global { open = function() { window:open("day") } }
  rule edge { select when window opened name re#^day$# send_directive("own", event:attrs) }
}"""
ASKS = """ruleset asks {
  rule a { select when a b foreach 1.range(100) setting(n) if window:open("day") then noop() }
}"""
DEAF = 'ruleset deaf { rule look { select when deaf look send_directive("n") } }'


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(SUNDAY)


@pytest.fixture
def engine(tmp_path: Path, clock: VirtualClock) -> Iterator[Engine]:
    with Engine(tmp_path / "picos.db", clock, min_period=0) as engine:
        engine.root.install(RULES)
        yield engine


def dues(engine: Engine) -> list[str]:
    """The next edges, by window."""
    rows = [each for each in engine.scheduled() if each.kind == "window"]
    return [f"{each.name} {each.type} {format_time(each.due)}" for each in rows if each.due]


def seen(engine: Engine) -> Any:
    return engine.root.query("house", "seen")


def test_rules_ask_for_it_and_hear_its_edges_until_it_is_removed(engine: Engine, clock: VirtualClock) -> None:
    with pytest.raises(PicoschedError, match="there is no window day"):
        engine.root.query("house", "open", {"name": "day"})
    made = engine.add_window("day", *DAY, tz="Europe/Berlin")
    assert (made.open, made.configured, made.made_by) == (True, False, "Python")
    assert engine.root.query("house", "open", {"name": "day"}) is True
    assert [each["name"] for each in engine.root.query("house", "list")] == ["day"]
    assert dues(engine) == ["day closed 2026-03-01T17:00:00Z"]
    engine.run_until("2026-03-02T08:00:00Z")
    assert seen(engine) == ["closed day 2026-03-01T17:00:00Z", "opened day 2026-03-02T07:00:00Z"]
    assert engine.remove_window("day", force=True) and not engine.remove_window("day")
    assert (dues(engine), engine.windows()) == ([], [])
    engine.run_until("2026-03-04T00:00:00Z")
    assert len(seen(engine)) == 2
    assert engine.history(limit=1)[0].why == "there is no window day any more"


def test_a_change_raises_nothing_and_moves_the_next_edge(engine: Engine, clock: VirtualClock) -> None:
    made = engine.add_window("day", *DAY)
    changed = engine.change_window("day", closes="0 11 * * *")
    assert (changed.opens, changed.closes, changed.open) == (made.opens, "0 11 * * *", False)
    assert dues(engine) == ["day opened 2026-03-02T08:00:00Z"]
    engine.change_window("day", tz="Asia/Tokyo")
    assert dues(engine) == ["day opened 2026-03-01T23:00:00Z"]
    engine.run_due()
    assert seen(engine) == []


def test_a_change_that_changes_nothing_leaves_who_made_it_and_when(
    engine: Engine, clock: VirtualClock
) -> None:
    made = engine.add_window("day", *DAY)
    clock.advance(hours=1)
    assert engine.change_window("day").made == engine.change_window("day", opens=DAY[0]).made == made.made
    assert engine.change_window("day", opens="0 9 * * *").made == engine.now()


def test_schedules_of_rules_and_of_people_and_sources_are_tied_to_it(
    engine: Engine, clock: VirtualClock
) -> None:
    with pytest.raises(PicoschedError, match='the entry "line": there is no window day'):
        engine.add_source(table())
    engine.add_window("day", "0 13 * * *", "30 15 * * *")
    engine.root.raise_event("house", "plan", {"in": "day"})
    person = engine.root.schedule("house", "tick", repeat="0 * * * *", attributes={"_window": "day"})
    engine.add_source(table())
    engine.run_until("2026-03-01T17:00:00Z")
    hours = [f"2026-03-01T{hour}:00:00.000Z" for hour in (13, 14, 15)]
    assert Counter(engine.root.query("house", "ticks")) == dict.fromkeys(hours, 3)
    assert [each.uses for each in engine.windows()] == [(2, 1, 1)]
    used = "in use by the schedule tick, the schedule .*, the source table, the ruleset house; wanted"
    with pytest.raises(PicoschedError, match=used) as refused:
        engine.remove_window("day")
    assert refused.value.code == "conflict" and len(engine.windows()) == 1
    engine.remove_window("day", force=True)
    engine.run_until("2026-03-02T13:00:00Z")
    assert len(engine.root.query("house", "ticks")) == 9
    for id in (person.id, engine.sources()[0].entries[0].id):
        last = engine.history(id=id, limit=1)[0]
        assert (last.outcome, "there is no window day" in (last.why or "")) == ("failed", True)
    engine.add_window("day", *DAY)  # and they go on
    engine.run_until("2026-03-02T14:00:00Z")
    assert len(engine.root.query("house", "ticks")) == 12


def test_a_metronome_hears_of_a_change_at_once(engine: Engine) -> None:
    """Its ticks are passed over until its window opens, which may come earlier than was known."""
    engine.add_window("day", "0 8 * * *", "0 10 * * *")
    beat = {"type": "metronome", "name": "beat", "interval": 600_000, "window": "day"}
    engine.add_source({**beat, "to": {"pico": "root"}, "event": "house:tick"})
    engine.run_until("2026-03-01T12:30:00Z")
    assert engine.root.query("house", "ticks") == []
    engine.change_window("day", opens="0 12 * * *", closes="0 13 * * *")
    engine.run_until("2026-03-01T13:30:00Z")
    wanted = [f"2026-03-01T12:{minute}:00.000Z" for minute in (40, 50)]
    assert engine.root.query("house", "ticks") == wanted
    engine.remove_window("day", force=True)
    engine.add_window("day", "30 13 * * *", "0 14 * * *")
    engine.run_until("2026-03-01T15:00:00Z")
    wanted += [f"2026-03-01T13:{minute}:00.000Z" for minute in (40, 50)]
    assert engine.root.query("house", "ticks") == wanted


def table() -> dict[str, Any]:
    line = {"name": "line", "when": "0 * * * *", "event": "house:tick", "window": "day"}
    return {"type": "crontab", "name": "table", "to": {"pico": "root"}, "entries": [line]}


def test_a_rulesets_own_window_hides_it(engine: Engine) -> None:
    engine.root.install(OWN)
    engine.add_window("day", *DAY)
    assert engine.root.query("own", "open") is False
    assert sorted(dues(engine)) == ["day closed 2026-03-01T18:00:00Z", "day opened 2026-03-02T02:00:00Z"]
    assert engine.windows()[0].uses == (0, 0, 1)  # by the other ruleset
    engine.root.uninstall("house")
    assert engine.remove_window("day")  # nothing depends on it
    assert dues(engine) == ["day opened 2026-03-02T02:00:00Z"]


def test_a_ruleset_that_is_installed_later_follows_it(engine: Engine) -> None:
    engine.add_window("day", *DAY)
    child = engine.new_pico("child")
    child.install(RULES)
    assert dues(engine) == ["day closed 2026-03-01T18:00:00Z"] * 2
    child.install(RULES.replace("window opened or window closed", "house other"))
    assert dues(engine) == ["day closed 2026-03-01T18:00:00Z"]


def test_what_names_it_is_known(engine: Engine) -> None:
    engine.root.install(RULES.replace("window opened or window closed", "house other"))
    engine.add_window("day", *DAY)
    assert engine.windows()[0].uses == (0, 0, 0)
    engine.root.install('ruleset asks { rule a { select when a b where window:open( "day") noop() } }')
    engine.root.install('ruleset ties { rule a { select when a b fired { schedule a event "c" at time:now() '
                        'with _window = "day" } } }')  # fmt: skip
    with pytest.raises(PicoschedError, match="in use by the ruleset asks, the ruleset ties; wanted"):
        engine.remove_window("day")


@pytest.mark.parametrize(
    ("uses", "depends"),
    [
        ("where window:open(<<day>>) noop()", True),
        ('where window : open("day") noop()', True),
        ('where window:closes( // the next\n "day") noop()', True),
        ('if "day".window:open() then noop()', True),
        ('pre { name = "day" } if window:open(name) then noop()', True),
        ('pre { a = {"_window": "day"} } fired { schedule a event "c" at time:now() attributes a }', True),
        ('fired { schedule a event "c" at time:now() with _window = <<day>> }', True),
        ('// window:open("day")\n if true then noop()', False),
        ('if true then send_directive(<<window:open("day")>>)', False),
        ('if window:open("night") then noop()', False),
    ],
)
def test_what_a_ruleset_has_to_do_with_it_is_in_its_tree(engine: Engine, uses: str, depends: bool) -> None:
    engine.root.uninstall("house")
    engine.add_window("day", *DAY)
    engine.root.install(f"ruleset asks {{ rule a {{ select when a b {uses} }} }}")
    assert engine.windows()[0].uses == (0, 0, depends)


def test_schedules_of_rulesets_that_hide_it_hide_no_others(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(depending, "MOST", 2)
    day = 'window day from "0 2 * * *" to "0 3 * * *"'
    for number in range(3):
        child = engine.new_pico(f"p{number}")
        child.install(RULES.replace("meta {", f"meta {{ {day}"))
        child.raise_event("house", "plan", {"in": "day"})
    assert [each.window for each in engine.scheduled() if each.kind == "repeat"] == ["day"] * 3
    engine.root.uninstall("house")
    engine.add_window("day", *DAY)
    assert engine.windows()[0].uses == (0, 0, 0)
    engine.root.schedule("house", "tick", repeat="0 * * * *", attributes={"_window": "day", "_name": "tea"})
    assert engine.windows()[0].uses == (1, 0, 0)
    with pytest.raises(PicoschedError, match="in use by the schedule tea; wanted"):
        engine.remove_window("day")


def test_many_users_are_not_all_named(engine: Engine) -> None:
    engine.add_window("day", *DAY)
    for number in range(7):
        attributes = {"_window": "day", "_name": f"s{number}"}
        engine.root.schedule("house", "tick", repeat="0 * * * *", attributes=attributes)
    with pytest.raises(PicoschedError, match="schedule s4 and 3 more; wanted"):
        engine.remove_window("day")


def test_it_is_there_after_a_restart_beside_those_of_the_settings(tmp_path: Path) -> None:
    clock, path = VirtualClock(SUNDAY), tmp_path / "two.db"
    night = {"from": "0 22 * * *", "to": "0 6 * * *"}
    with Engine(path, clock) as engine:
        engine.root.install(RULES)
        engine.add_window("day", *DAY)
    with Engine(path, clock, windows={"night": night}) as engine:
        assert [(each.name, each.configured) for each in engine.windows()] == [
            ("night", True),
            ("day", False),
        ]
        engine.check_windows()
        assert dues(engine) == ["day closed 2026-03-01T18:00:00Z", "night opened 2026-03-01T22:00:00Z"]
        for change in (
            lambda: engine.add_window("night", *DAY),
            lambda: engine.change_window("night", tz="UTC"),
            lambda: engine.remove_window("night", force=True),
        ):
            with pytest.raises(PicoschedError, match=r"a table \[window.night\] of the settings") as told:
                change()
            assert told.value.code == "conflict"
    with Engine(path, clock, windows={"day": night}) as engine:
        with pytest.raises(
            PicoschedError, match="found the window day in the settings, and one made by Python"
        ):
            engine.check_windows()
        assert dues(engine) == ["day opened 2026-03-01T22:00:00Z"]  # that of the settings wins
        assert engine.remove_window("day")  # as the error says
        engine.check_windows()
        assert dues(engine) == ["day opened 2026-03-01T22:00:00Z"]


@pytest.mark.parametrize(
    ("name", "opens", "closes", "tz", "wanted"),
    [
        ("a b", *DAY, "UTC", 'found the name "a b" of a window, wanted 1 to 64 letters'),
        (5, *DAY, "UTC", "found int as the name of a window, wanted a text"),
        ("taken", *DAY, "UTC", "found a window taken already, wanted another name"),
        ("day", "at dinner", DAY[1], "UTC", 'window day: timespec "at dinner"'),
        ("day", None, DAY[1], "UTC", "window day: "),
        ("day", DAY[0], 5, "UTC", "window day: "),
        ("day", *DAY, "Mars/Olympus", "window day: .*Mars/Olympus"),
        ("day", *DAY, 5, "window day: "),
        ("day", DAY[0], DAY[0], "UTC", "window day: found no time at which it opens and does not close"),
        (
            "day",
            "0 8 * * *" + " " * 4_090,
            DAY[1],
            "UTC",
            "a timespec of 4,099 characters, wanted at most 4,096",
        ),
        ("day", *DAY, "x" * 4_097, "window day: found a zone of 4,097 characters, wanted at most 4,096"),
        ("day", "0 8 * * * \0", DAY[1], "UTC", "window day: "),
        ("day", "0 8 * * * \ud800", DAY[1], "UTC", "window day: "),
    ],
)
def test_what_no_window_can_be(
    engine: Engine, name: Any, opens: Any, closes: Any, tz: Any, wanted: str
) -> None:
    engine.add_window("taken", *DAY)
    with pytest.raises(PicoschedError, match=wanted):
        engine.add_window(name, opens, closes, tz=tz)
    assert [each.name for each in engine.windows()] == ["taken"]
    with pytest.raises(PicoschedError, match="there is no window nosuch"):
        engine.change_window("nosuch", opens="0 1 * * *")


def test_there_are_so_many_and_no_more(engine: Engine) -> None:
    for number in range(MOST):
        with engine.store.transaction():
            engine.store.windows.put(made_of(engine, f"w{number}"))
    with pytest.raises(PicoschedError, match=f"found {MOST} windows, wanted at most {MOST}"):
        engine.add_window("more", *DAY)
    engine.remove_window("w0", force=True)
    engine.add_window("more", *DAY)


def made_of(engine: Engine, name: str) -> Any:
    from picosched.schedule.window import MadeWindow

    return MadeWindow(name, *DAY, "UTC", engine.now(), "Python")


def test_time_parts_make_a_window_as_they_do_elsewhere(engine: Engine) -> None:
    engine.add_window("day", {"hours": [8]}, {"hours": [18]})
    assert dues(engine) == ["day closed 2026-03-01T18:00:00Z"]


def test_a_preview_says_when_it_would_be_open(engine: Engine) -> None:
    preview = engine.preview_window("", *DAY, tz="Europe/Berlin")
    assert preview.says == (
        "opens at 08:00 every day, Europe/Berlin time; closes at 18:00 every day, Europe/Berlin time"
    )
    assert (preview.open, len(preview.spans)) == (True, 5)
    opens, closes = preview.spans[0]
    assert closes is not None
    assert (format_time(opens), format_time(closes)) == ("2026-03-02T07:00:00Z", "2026-03-02T17:00:00Z")
    assert engine.windows() == []


def test_who_made_it_is_on_record(engine: Engine) -> None:
    author = engine.acting(Actor(HTTP, "anna", Role.AUTHOR))
    author.add_window("day", *DAY)
    author.change_window("day", opens="0 9 * * *")
    author.remove_window("day", force=True)
    assert [(each.what, each.kind, each.on) for each in engine.audit(limit=3)] == [
        (what, "window", "day") for what in ("removed", "changed", "added")
    ]
    removed, _, added = engine.audit(limit=3)
    assert added.told == "opens at 08:00 every day; closes at 18:00 every day"
    assert removed.told == "forced, though in use by the ruleset house"
    operator = engine.acting(Actor(HTTP, "bo", Role.OPERATE))
    for attempt in (
        lambda: operator.add_window("day", *DAY),
        lambda: operator.change_window("day"),
        lambda: operator.remove_window("day"),
    ):
        with pytest.raises(PicoschedError, match="wanted author"):
            attempt()


def test_one_whose_calendar_is_gone_fails_who_asks_and_is_listed_with_the_reason(tmp_path: Path) -> None:
    clock, path = VirtualClock(SUNDAY), tmp_path / "gone.db"
    calendars = {"fair": {"dates": ["2026-03-01", "2026-03-03"]}}
    with Engine(path, clock, calendars=calendars, min_period=0) as engine:
        engine.root.install(RULES)
        engine.add_window("fair", '0 8 * * * & calendar("fair")', "0 18 * * *")
        engine.root.raise_event("house", "plan", {"in": "fair"})
        assert engine.windows()[0].open
    with Engine(path, clock, min_period=0) as engine:
        (state,) = engine.windows()
        assert state.fault is not None and state.fault.startswith("the window fair: ")
        assert (state.open, state.next_opening) == (False, None)
        with pytest.raises(PicoschedError, match="the window fair: "):
            engine.root.query("house", "open", {"name": "fair"})
        engine.run_until("2026-03-01T13:00:00Z")
        (last,) = engine.history(limit=1)
        assert (last.outcome, (last.why or "").startswith("the window fair: ")) == ("failed", True)
        assert engine.remove_window("fair", force=True)


def test_a_failed_change_leaves_what_is_known_as_it_was(engine: Engine) -> None:
    """Windows are read once in a transaction; what it wrote and undid is not in what is read."""
    engine.add_window("day", *DAY)
    windows = engine.store.windows

    def work() -> list[int]:
        before = len(windows.all())
        with suppress(PicoschedError), engine.store.savepoint():
            windows.remove("day")
            assert windows.all() == ()
            raise PicoschedError("no")
        return [before, len(windows.all())]

    assert engine.write(work) == [1, 1]


def test_it_is_in_a_copy_of_the_store(engine: Engine) -> None:
    engine.add_window("day", *DAY)
    copy = engine.read(engine.store.copy)
    assert copy.windows.all() == engine.store.windows.all() != ()
    copy.close()


def test_a_turn_that_does_not_ask_reads_no_windows(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """And one that asks a hundred times reads them once."""
    engine.add_window("day", *DAY)
    engine.root.install(ASKS)
    database, read = engine.store._database, list[str]()
    rows = database.rows
    monkeypatch.setattr(database, "rows", lambda name, *more: (read.append(name), rows(name, *more))[1])
    engine.root.raise_event("house", "tick")
    engine.root.raise_event("house", "plan")
    assert "made_windows" not in read
    engine.root.raise_event("a", "b")
    assert read.count("made_windows") == 1


# ---- many picos ---------------------------------------------------------------------------------------


@pytest.fixture
def many(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> Engine:
    """Eight picos with the ruleset, of which three fit into a transaction."""
    monkeypatch.setattr(edges, "AT_ONCE", 3)
    engine.root.install(DEAF)
    for number in range(7):
        engine.new_pico(f"p{number}").install(RULES if number else DEAF)
        engine.new_pico(f"d{number}").install(DEAF)
    return engine


def test_all_picos_follow_it_some_in_each_transaction(many: Engine) -> None:
    before = many.commits
    many.add_window("day", *DAY)
    assert dues(many) == ["day closed 2026-03-01T18:00:00Z"] * 7
    assert many.commits - before == 3
    many.change_window("day", closes="0 20 * * *")
    assert dues(many) == ["day closed 2026-03-01T20:00:00Z"] * 7
    many.remove_window("day", force=True)
    assert dues(many) == []
    assert many.store.picos.meta(edges.LEFT) is None


def change_and_stop(engine: Engine, change: Callable[[], object]) -> None:
    """Change the window day in the one transaction that does it, as if the process ended after that."""

    def work() -> None:
        engine.store.need("")
        change()
        edges.follow_from_start(engine.store, engine.loaded, "day", engine.now())

    engine.write(work)


def put_and_stop(engine: Engine) -> None:
    change_and_stop(engine, lambda: engine.store.windows.put(made_of(engine, "day")))


def remove_and_stop(engine: Engine) -> None:
    change_and_stop(engine, lambda: engine.store.windows.remove("day"))


def test_the_next_process_goes_on(many: Engine, tmp_path: Path) -> None:
    put_and_stop(many)
    assert len(dues(many)) == 3
    with Engine(many.store.copy(), VirtualClock(SUNDAY)) as other:
        assert dues(other) == ["day closed 2026-03-01T18:00:00Z"] * 7


def let_the_second_fail(engine: Engine) -> None:
    """Let the second transaction of a sweep fail: of other picos than the first there may be one row."""
    first = ", ".join(f"'{id}'" for id in sorted(each.id for each in with_rules(engine))[:3])
    where = f"kind = 'window' AND pico NOT IN ({first})"
    engine.store._database.run(f"CREATE UNIQUE INDEX only_one ON scheduled (name) WHERE {where}")


def test_the_ticks_go_on_if_a_transaction_failed(
    many: Engine, clock: VirtualClock, caplog: pytest.LogCaptureFixture
) -> None:
    many.root.schedule("house", "tick", at="2026-03-01T13:00:00Z")
    let_the_second_fail(many)
    assert many.add_window("day", *DAY).name == "day"  # as it was made
    assert (len(dues(many)), many._sweep.unfinished) == (3, True)
    clock.set("2026-03-01T13:00:00Z")
    assert many.run_due() == 1  # what else was due counts
    assert caplog.text.count("cannot have all picos follow a window: ") == 2
    assert many._sweep.unfinished
    many.store._database.run("DROP INDEX only_one")
    many.run_due()
    assert len(dues(many)) == 6
    many.run_due()
    assert len(dues(many)) == 7 and not many._sweep.unfinished


def test_one_that_ends_a_sweep_does_not_hide_a_mark_that_another_leaves_meanwhile(
    many: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    sweep, commits = many._sweep, many._sweep._commits

    def look_and_come_late(*what: Any) -> Any:
        monkeypatch.undo()
        found = commits.read(*what)
        put_and_stop(many)
        sweep.unfinished = True
        return found

    monkeypatch.setattr(sweep, "_commits", SimpleNamespace(read=look_and_come_late))
    assert sweep.follow_some() is False and sweep.unfinished


def test_an_edge_between_a_change_and_the_end_of_its_sweep_is_heard_by_all(tmp_path: Path) -> None:
    """Each transaction of the sweep comes a second later; the window closes after the first."""
    clock = VirtualClock("2026-03-01T17:59:59Z")
    with Engine(tmp_path / "late.db", clock, min_period=0, misfire="all") as engine:
        for number in range(8):
            engine.new_pico(f"p{number}").install(RULES)
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(edges, "AT_ONCE", 3)
            put_and_stop(engine)
            engine._sweep.unfinished = True
            for _ in range(4):
                clock.advance(seconds=1)
                engine.run_due()
        engine.run_due()
        assert [each.query("house", "seen") for each in with_rules(engine)] == [
            ["closed day 2026-03-01T18:00:00Z"]
        ] * 8
        assert dues(engine) == ["day opened 2026-03-02T08:00:00Z"] * 8


def test_a_window_that_has_had_its_edges_gets_no_more_when_another_is_made(
    many: Engine, clock: VirtualClock
) -> None:
    many.add_window("once", "2026-03-01T13:00", "2026-03-01T14:00")
    many.run_until("2026-03-01T15:00:00Z")
    heard = many.root.query("house", "seen")
    assert heard == ["opened once 2026-03-01T13:00:00Z", "closed once 2026-03-01T14:00:00Z"]
    many.add_window("day", *DAY)
    many.change_window("day", closes="0 19 * * *")
    assert dues(many) == ["day closed 2026-03-01T19:00:00Z"] * 7
    many.run_due()
    assert many.root.query("house", "seen") == heard


def test_two_windows_that_are_left_half_done_are_both_finished(many: Engine) -> None:
    put_and_stop(many)
    many.add_window("night", "0 22 * * *", "0 6 * * *")
    both = ["day closed 2026-03-01T18:00:00Z", "night opened 2026-03-01T22:00:00Z"]
    assert Counter(dues(many)) == dict.fromkeys(both, 7)
    assert many.store.picos.meta(edges.LEFT) is None


def test_windows_are_read_a_few_times_however_many_there_are(
    many: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in many.picos():
        each.install(ASKS)
    with many.store.transaction():
        for number in range(30):
            many.store.windows.put(made_of(many, f"w{number}"))
    many.windows()
    read, database = list[str](), many.store._database
    rows = database.rows
    monkeypatch.setattr(database, "rows", lambda name, *more: (read.append(name), rows(name, *more))[1])
    assert len(many.windows()) == 30 and len(read) == 4
    read.clear()
    with many.store.transaction():
        many.store.windows.put(made_of(many, "day"))
        edges.follow_from_start(many.store, many.loaded, "day", many.now())
    assert read.count("made_windows") == 1
    first = sorted(many.picos(), key=lambda pico: pico.id)[:3]
    following = [each for each in first if "house" in each.rulesets()]
    assert read.count("windows") == len(following)  # not of those that only ask for it


def test_what_depends_on_it_counts_all_that_follow_it_at_last(
    engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edges, "AT_ONCE", 3)
    for number in range(7):
        engine.new_pico(f"p{number}").install(RULES.replace("ruleset house", f"ruleset house{number}"))
    assert engine.add_window("day", *DAY).uses == engine.windows()[0].uses == (0, 0, 8)


def test_texts_are_read_while_others_write(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    engine.add_window("day", *DAY)
    engine.root.install(DEAF.replace("deaf look", "window opened").replace("ruleset deaf", "ruleset free"))
    wrote = list[bool]()

    def look_meanwhile(*given: Any) -> Any:
        other = threading.Thread(target=lambda: engine.root.raise_event("house", "tick"), daemon=True)
        other.start()
        other.join(SECONDS)
        wrote.append(not other.is_alive())
        return windows_in(*given)

    monkeypatch.setattr(depending, "windows_in", look_meanwhile)
    assert engine.windows()[0].uses.rulesets == 2
    assert wrote == [True]
    assert engine.windows()[0].uses.rulesets == 2 and wrote == [True]  # each once


def test_a_row_of_a_window_that_is_gone_or_changed_raises_no_wrong_edge(
    many: Engine, clock: VirtualClock
) -> None:
    many.add_window("day", *DAY)
    remove_and_stop(many)
    assert len(dues(many)) == 4
    clock.set("2026-03-01T18:00:00Z")
    many.run_due()
    assert dues(many) == [] and not any(each.query("house", "seen") for each in with_rules(many))
    many.add_window("day", "0 8 * * *", "0 20 * * *")
    put_and_stop(many)  # closes at 18:00 again
    assert Counter(dues(many)) == {"day opened 2026-03-02T08:00:00Z": 3, "day closed 2026-03-01T20:00:00Z": 4}
    clock.set("2026-03-01T20:00:00Z")
    many.run_due()
    assert not any(each.query("house", "seen") for each in with_rules(many))
    assert dues(many) == ["day opened 2026-03-02T08:00:00Z"] * 7


def with_rules(engine: Engine) -> list[Any]:
    return [each for each in engine.picos() if "house" in each.rulesets()]


# ---- two at once --------------------------------------------------------------------------------------


def adding(engine: Engine) -> str:
    try:
        engine.add_window("day", *DAY)
    except PicoschedError as error:
        return error.code
    return "made"


def test_two_threads_make_one_window_of_a_name(engine: Engine) -> None:
    assert sorted(race(lambda: adding(engine), lambda: adding(engine))) == ["conflict", "made"]
    assert dues(engine) == ["day closed 2026-03-01T18:00:00Z"]


@pytest.fixture
def machines(postgres: Server) -> Iterator[Callable[[], Engine]]:
    address, engines = postgres.emptied_database(), list[Engine]()

    def start() -> Engine:
        engines.append(Engine(address, granularity=1, min_period=0))
        return engines[-1]

    yield start
    for each in engines:
        each.close()


def test_two_machines_make_one_window_of_a_name(machines: Callable[[], Engine]) -> None:
    one, two = machines(), machines()
    assert sorted(race(lambda: adding(one), lambda: adding(two))) == ["conflict", "made"]
    assert len(one.windows()) == len(two.windows()) == 1


def test_it_holds_on_the_picos_of_each_machine(
    machines: Callable[[], Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edges, "AT_ONCE", 3)
    one, two = machines(), machines()
    for engine in (one, two):
        engine.start()
    picos = [one.new_pico(f"p{number}") for number in range(8)]
    for pico in picos:
        pico.install(RULES)
        two.pico(pico.id).query("house", "seen")
    until(lambda: one.part is not None and one.part.machines == 2)
    two.add_window("beat", "0/2 * * * * *", "1/2 * * * * *")
    assert [each["name"] for each in one.pico(picos[0].id).query("house", "list")] == ["beat"]
    until(lambda: all(len(pico.query("house", "seen")) >= 3 for pico in picos))
    one.remove_window("beat", force=True)
    assert two.windows() == [] and dues(two) == []
    for engine in (one, two):
        engine.stop()
    for pico in picos:
        heard = pico.query("house", "seen")
        assert len({*heard}) == len(heard)  # each edge once
        kinds = [{each.split()[0] for each in heard[first::2]} for first in (0, 1)]
        assert sorted(map(sorted, kinds)) == [["closed"], ["opened"]]


def test_a_race_between_a_window_and_an_install_leaves_no_pico_without_its_edges(
    machines: Callable[[], Engine],
) -> None:
    one, two = machines(), machines()
    picos = [one.new_pico(f"p{number}") for number in range(12)]
    names = [f"w{number}" for number in range(4)]

    def install() -> None:
        for pico in picos:
            pico.install(RULES)

    def make() -> None:
        for name in names:
            two.add_window(name, "0 8 1 1 *", "0 8 2 1 *")

    race(install, make)
    rows = [(each.pico_id, each.name) for each in one.scheduled() if each.kind == "window"]
    assert sorted(rows) == sorted((pico.id, name) for pico in picos for name in names)


MAKING = """
import sys
from picosched import Engine
from picosched.turns import windows
windows.AT_ONCE = 3
engine = Engine(sys.argv[1], granularity=1, min_period=0)
if sys.argv[2] == "starts":
    engine.start()
follow = windows.follow_more
def stop_there(store, *known):
    if store.picos.meta(windows.LEFT).endswith(', ""]}'):
        return follow(store, *known)
    print("made", flush=True)
    sys.stdin.read()
windows.follow_more = stop_there
engine.add_window("day", "0 8 * * *", "0 18 * * *")
"""


def make_and_be_killed(address: str, starts: str) -> None:
    words = [sys.executable, "-c", MAKING, address, starts]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as machine:
        assert machine.stdout is not None
        assert machine.stdout.readline() == "made\n"
        machine.kill()


@pytest.mark.parametrize("starts", ["starts", "takes no part"])
def test_another_machine_goes_on_when_one_is_killed_between(postgres: Server, starts: str) -> None:
    address = postgres.emptied_database()
    with Engine(address, granularity=1, min_period=0) as engine:
        engine.start()
        picos = [engine.new_pico(f"p{number}") for number in range(8)]
        for pico in picos:
            pico.install(RULES)
        make_and_be_killed(address, starts)
        until(lambda: len(dues(engine)) == len(picos))
        engine.stop()


def test_one_that_takes_no_part_goes_on_in_its_ticks(postgres: Server) -> None:
    address = postgres.emptied_database()
    with Engine(address, granularity=1, min_period=0) as engine:
        picos = [engine.new_pico(f"p{number}") for number in range(8)]
        for pico in picos:
            pico.install(RULES)
        engine.run_due()
        make_and_be_killed(address, "takes no part")
        assert len(dues(engine)) == 3
        until(lambda: engine.run_due() == 0 and len(dues(engine)) == len(picos))
