"""Windows made while the engine runs, beside those of rulesets and settings: kept, followed, removed."""

from __future__ import annotations

import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from postgres_server import Server
from racing import race, until

from picosched import Engine, PicoschedError, VirtualClock
from picosched.acting import HTTP, Actor, Role
from picosched.clock import format_time
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
        ("taken", *DAY, "UTC", "there is a window taken already, wanted another name"),
        ("day", "at dinner", DAY[1], "UTC", 'window day: timespec "at dinner"'),
        ("day", None, DAY[1], "UTC", "window day: "),
        ("day", DAY[0], 5, "UTC", "window day: "),
        ("day", *DAY, "Mars/Olympus", "window day: .*Mars/Olympus"),
        ("day", *DAY, 5, "window day: "),
        ("day", DAY[0], DAY[0], "UTC", "window day: found no time at which it opens and does not close"),
        ("day", "0 8 * * *" + " " * 4_000, DAY[1], "UTC", "window day: found 4,009 characters, wanted"),
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
    with pytest.raises(PicoschedError, match=f"there are {MOST} windows, wanted no more"):
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
    assert engine.audit(limit=3)[-1].told == "opens at 08:00 every day; closes at 18:00 every day"
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


def change_and_stop(engine: Engine, *what: Any) -> None:
    """Change windows in the one transaction that does it, as if the process ended after that."""

    def change() -> None:
        engine.store.need("")
        engine.store.windows.put(made_of(engine, "day")) if what else engine.store.windows.remove("day")
        edges.follow_from_start(engine.store, engine.loaded, engine.now())

    engine.write(change)


def test_the_next_process_goes_on(many: Engine, tmp_path: Path) -> None:
    change_and_stop(many, "put")
    assert len(dues(many)) == 3
    with Engine(many.store.copy(), VirtualClock(SUNDAY)) as other:
        assert dues(other) == ["day closed 2026-03-01T18:00:00Z"] * 7


def test_the_ticks_go_on_if_a_transaction_failed(many: Engine) -> None:
    change_and_stop(many, "put")
    many._left.some = True
    many.run_due()
    assert len(dues(many)) == 6
    many.run_due()
    assert len(dues(many)) == 7 and not many._left.some


def test_a_row_of_a_window_that_is_gone_or_changed_raises_no_wrong_edge(
    many: Engine, clock: VirtualClock
) -> None:
    many.add_window("day", *DAY)
    change_and_stop(many)
    assert len(dues(many)) == 4
    clock.set("2026-03-01T18:00:00Z")
    many.run_due()
    assert dues(many) == [] and not any(each.query("house", "seen") for each in with_rules(many))
    many.add_window("day", "0 8 * * *", "0 20 * * *")
    change_and_stop(many, "put")  # closes at 18:00 again
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
    assert one.pico(picos[0].id).query("house", "open", {"name": "beat"}) in (True, False)
    until(lambda: all(len(pico.query("house", "seen")) >= 3 for pico in picos))
    one.remove_window("beat", force=True)
    assert two.windows() == [] and dues(two) == []
    for engine in (one, two):
        engine.stop()
    for pico in picos:
        heard = pico.query("house", "seen")
        assert len({*heard}) == len(heard)  # each edge once
        assert {each.split()[0] for each in heard[::2]} != {each.split()[0] for each in heard[1::2]}


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
engine.start()
follow = windows.follow_more
def stop_there(store, loaded, now):
    if not store.picos.meta(windows.LEFT):
        return follow(store, loaded, now)
    print("made", flush=True)
    sys.stdin.read()
windows.follow_more = stop_there
engine.add_window("day", "0 8 * * *", "0 18 * * *")
"""


def test_another_machine_goes_on_when_one_is_killed_between(postgres: Server) -> None:
    address = postgres.emptied_database()
    with Engine(address, granularity=1, min_period=0) as engine:
        engine.start()
        picos = [engine.new_pico(f"p{number}") for number in range(8)]
        for pico in picos:
            pico.install(RULES)
        words = [sys.executable, "-c", MAKING, address]
        with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as machine:
            assert machine.stdout is not None
            assert machine.stdout.readline() == "made\n"
            machine.kill()
        until(lambda: len(dues(engine)) == len(picos))
        engine.stop()
