"""What is scheduled, listed and changed from Python: one or many, whatever their state."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from racing import race

from picosched import Engine, PicoRef, PicoschedError, VirtualClock
from picosched.clock import parse_time
from picosched.engine.agenda import AT_ONCE
from picosched.schedule.filter import COMING, Filter
from picosched.schedule.scheduled import Outcome, Scheduled, Status

START = "2026-03-01T00:00:00Z"

DESK = """
ruleset desk {
  meta { shares log }
  global { log = function() { ent:log.defaultsTo([]) } }
  rule at {
    select when desk at
    fired { schedule desk event "rang" at event:attrs{"when"} attributes event:attrs.delete("when") }
  }
  rule every {
    select when desk every
    fired { schedule desk event "rang" repeat event:attrs{"when"} attributes event:attrs.delete("when") }
  }
  rule many {
    select when desk many
    foreach 1.range(event:attrs{"n"}) setting(n)
    fired { schedule desk event "rang" at event:attrs{"when"} with n = n }
  }
  rule rang {
    select when desk rang
    send_directive("rang", event:attrs)
    always { ent:log := log().append([time:now()]) }
  }
}
"""


def at(text: str) -> datetime:
    return parse_time(text)


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock(START)


Opener = Callable[[], Engine]


@pytest.fixture
def opener(tmp_path: Path, clock: VirtualClock) -> Iterator[Opener]:
    """Opens the engine on the one database of the test; a second time, it is closed first."""
    opened: list[Engine] = []

    def open_() -> Engine:
        for each in opened:
            each.close()
        opened.append(Engine(tmp_path / "picos.db", clock, min_period=0, seed=1))
        return opened[-1]

    yield open_
    for each in opened:
        each.close()


@pytest.fixture
def engine(opener: Opener) -> Engine:
    engine = opener()
    engine.root.install(DESK)
    return engine


def once(pico: PicoRef, when: str = "2026-03-01T12:00:00Z", **attrs: Any) -> str:
    return _made(pico, "at", when, attrs)


def every(pico: PicoRef, when: str = "0 9 * * *", **attrs: Any) -> str:
    return _made(pico, "every", when, attrs)


def _made(pico: PicoRef, type: str, when: str, attrs: dict[str, Any]) -> str:
    turn = pico.raise_event("desk", type, {"when": when, **attrs})
    assert turn.errors == []
    (id,) = turn.scheduled
    return id


def standing(row: Scheduled | None) -> str:
    """Where a row stands: `paused 12:00`, with the day if it is another."""
    assert row is not None
    due = "" if row.due is None else f" {row.due:%H:%M}" if row.due.day == 1 else f" {row.due:%d.%H:%M}"
    return f"{row.status}{due}"


def outcomes(engine: Engine, id: str | None = None) -> list[tuple[str, str, int]]:
    """Nominal time, outcome and how many it stands for; oldest first."""
    fires = reversed(engine.history(id=id))
    return [(f"{each.nominal:%d.%H:%M}", str(each.outcome), each.stands_for) for each in fires]


# ---- every change, of every kind of row -----------------------------------------------------------------

CHANGES = """
change                | at              | at, paused     | repeat           | repeat, paused
cancel                | cancelled       | cancelled      | cancelled        | cancelled
pause                 | paused 12:00    | paused 12:00   | paused 09:00     | paused 09:00
pause until 06:00     | paused 12:00    | paused 12:00   | paused 09:00     | paused 09:00
resume                | –               | pending 12:00  | –                | pending 09:00
move to 10:00         | pending 10:00   | paused 10:00   | pending 10:00    | paused 10:00
move to 10:00:01      | pending 10:01   | paused 10:01   | pending 10:01    | paused 10:01
move to 2020          | pending 00:00   | paused 00:00   | pending 00:00    | paused 00:00
move by 2h            | pending 14:00   | paused 14:00   | pending 11:00    | paused 11:00
move by -2h           | pending 10:00   | paused 10:00   | pending 07:00    | paused 07:00
move by -2d           | pending 00:00   | paused 00:00   | pending 00:00    | paused 00:00
reschedule 0 18 * * * | pending 18:00   | paused 18:00   | pending 18:00    | paused 18:00
reschedule in Rome    | pending 17:00   | paused 17:00   | pending 17:00    | paused 17:00
fire                  | finished        | finished       | pending 09:00    | paused 09:00
"""

DO: dict[str, Callable[..., Any]] = {
    "cancel": lambda agenda, id, **dry: agenda.cancel(id, **dry),
    "pause": lambda agenda, id, **dry: agenda.pause(id, **dry),
    "pause until 06:00": lambda agenda, id, **dry: agenda.pause(id, "2026-03-01T06:00:00Z", **dry),
    "resume": lambda agenda, id, **dry: agenda.resume(id, **dry),
    "move to 10:00": lambda agenda, id, **dry: agenda.move(id, "2026-03-01T10:00:00Z", **dry),
    "move to 10:00:01": lambda agenda, id, **dry: agenda.move(id, at("2026-03-01T10:00:01Z"), **dry),
    "move to 2020": lambda agenda, id, **dry: agenda.move(id, "2020-01-01", **dry),
    "move by 2h": lambda agenda, id, **dry: agenda.move(id, timedelta(hours=2), **dry),
    "move by -2h": lambda agenda, id, **dry: agenda.move(id, timedelta(hours=-2), **dry),
    "move by -2d": lambda agenda, id, **dry: agenda.move(id, timedelta(days=-2), **dry),
    "reschedule 0 18 * * *": lambda agenda, id, **dry: agenda.reschedule(id, "0 18 * * *", **dry),
    "reschedule in Rome": lambda agenda, id, **dry: agenda.reschedule(id, "0 18 * * *", "Europe/Rome", **dry),
    "fire": lambda agenda, id: agenda.fire_now(id) and [agenda.load(id)],
}


def cases() -> Iterator[Any]:
    heading, *lines = [[cell.strip() for cell in line.split("|")] for line in CHANGES.strip().splitlines()]
    for change, *wanted in lines:
        for kind, cell in zip(heading[1:], wanted, strict=True):
            yield pytest.param(change, kind, cell, id=f"{change}, {kind}")


@pytest.mark.parametrize(("change", "kind", "wanted"), list(cases()))
def test_a_change_and_what_the_row_is_then(
    engine: Engine, opener: Opener, change: str, kind: str, wanted: str
) -> None:
    id = once(engine.root) if kind.startswith("at") else every(engine.root)
    if kind.endswith("paused"):
        engine.agenda.pause(id)
    before, do = engine.agenda.load(id), DO[change]
    if change != "fire":
        told = do(engine.agenda, id, dry_run=True)
        assert engine.agenda.load(id) == before, "a dry run changes nothing"
        assert engine.history() == []
    changed = do(engine.agenda, id)
    if wanted == "–":
        assert changed == [] and engine.agenda.load(id) == before
        return
    assert [standing(row) for row in changed] == [wanted]
    if change != "fire":
        assert told == changed
    (row,) = changed
    found = opener().agenda.load(id)  # as a restart finds it
    assert replace(found, keep_until=None) == replace(row, keep_until=None)
    assert (found.keep_until is None) == (found.due is not None)


@pytest.mark.parametrize("change", DO)
def test_what_is_over_is_not_changed(engine: Engine, change: str) -> None:
    cancelled, finished = once(engine.root), once(engine.root, START)
    engine.agenda.cancel(cancelled)
    engine.run_due()
    for id in (cancelled, finished):
        row = engine.agenda.load(id)
        if change == "fire":
            with pytest.raises(PicoschedError, match=f"nothing that is still to come has the id {id}"):
                engine.agenda.fire_now(id)
        else:
            assert DO[change](engine.agenda, id) == DO[change](engine.agenda, id, dry_run=True) == []
        assert engine.agenda.load(id) == row


@pytest.mark.parametrize("change", DO)
def test_an_id_that_there_is_not_changes_nothing(engine: Engine, change: str) -> None:
    if change == "fire":
        with pytest.raises(PicoschedError):
            engine.agenda.fire_now("nosuch")
    else:
        assert DO[change](engine.agenda, "nosuch") == DO[change](engine.agenda, ["nosuch"]) == []
    assert engine.agenda.find("nosuch") is None
    with pytest.raises(PicoschedError, match="no scheduled event has the id nosuch"):
        engine.agenda.next_times("nosuch")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda agenda, id: agenda.move(id, "soon"), "soon"),
        (lambda agenda, id: agenda.move(id, timedelta.max), "wanted the years 1 to 9999"),
        (lambda agenda, id: agenda.move(id, "9999-12-31T23:59:59Z"), "past the last year, 9999"),
        (lambda agenda, id: agenda.pause(id, "later"), "later"),
        (lambda agenda, id: agenda.reschedule(id, "0 25 * * *"), 'found "25"'),
        (lambda agenda, id: agenda.reschedule(id, "0 9 * * *", "Mars"), "Mars"),
        (lambda agenda, id: agenda.reschedule(id, "0 0 9 1 1 * 2020"), "never"),
    ],
)
def test_what_is_wrong_changes_nothing(engine: Engine, change: Callable[..., Any], said: str) -> None:
    id = every(engine.root)
    before = engine.agenda.load(id)
    with pytest.raises(PicoschedError, match=said) as caught:
        change(engine.agenda, id)
    assert caught.value.code == "invalid"
    assert engine.agenda.load(id) == before


def test_a_wrong_timespec_is_an_error_though_there_is_nothing_to_change(engine: Engine) -> None:
    with pytest.raises(PicoschedError):
        engine.agenda.reschedule(Filter(), "never")


# ---- one that goes on -----------------------------------------------------------------------------------


def test_a_repeat_that_was_moved_goes_on_with_the_occurrence_behind_it(engine: Engine) -> None:
    id = every(engine.root)
    engine.agenda.move(id, "2026-03-01T15:00:00Z")
    assert [f"{time:%d.%H}" for time in engine.agenda.next_times(id, 3)] == ["01.15", "02.09", "03.09"]
    engine.run_until("2026-03-02T12:00:00Z")
    assert outcomes(engine, id) == [("01.15:00", "fired", 1), ("02.09:00", "fired", 1)]


def test_one_that_was_moved_forward_does_not_come_a_second_time(engine: Engine) -> None:
    id = every(engine.root)
    engine.agenda.move(id, "2026-03-01T06:00:00Z")
    assert [f"{time:%d.%H}" for time in engine.agenda.next_times(id, 2)] == ["01.06", "02.09"]
    engine.run_until("2026-03-02T12:00:00Z")
    assert outcomes(engine, id) == [("01.06:00", "fired", 1), ("02.09:00", "fired", 1)]


def test_one_that_was_moved_forward_and_missed_stands_for_itself_alone(
    engine: Engine, clock: VirtualClock
) -> None:
    id = every(engine.root)
    engine.agenda.move(id, "2026-03-01T06:00:00Z")
    clock.set("2026-03-01T10:00:00Z")
    engine.run_due()
    assert outcomes(engine, id) == [("01.06:00", "late", 1)]


def test_one_that_was_moved_forward_and_passed_while_paused_does_not_come_a_second_time(
    engine: Engine, clock: VirtualClock
) -> None:
    id = every(engine.root)
    engine.agenda.move(id, "2026-03-01T06:00:00Z")
    engine.agenda.pause(id)
    clock.set("2026-03-01T07:00:00Z")
    assert [standing(row) for row in engine.agenda.resume(id)] == ["pending 02.09:00"]
    assert outcomes(engine, id) == [("01.06:00", "paused", 1)]


def test_a_pause_ends_by_itself_and_accounts_for_what_passed(engine: Engine) -> None:
    repeat, single = every(engine.root), once(engine.root)
    engine.agenda.pause([repeat, single], "2026-03-03T12:00:00Z")
    assert engine.next_due() == at("2026-03-03T12:00:00Z")
    assert engine.agenda.next_times(repeat) == []
    engine.run_until("2026-03-04T12:00:00Z")
    assert outcomes(engine, repeat) == [("01.09:00", "paused", 3), ("04.09:00", "fired", 1)]
    assert outcomes(engine, single) == [("01.12:00", "late", 1)]


def test_a_single_event_can_be_made_to_repeat(engine: Engine) -> None:
    id = once(engine.root)
    (row,) = engine.agenda.reschedule(id, "0 18 * * *", "Europe/Rome")
    assert (row.kind, row.timespec, row.tz) == ("repeat", "0 18 * * *", "Europe/Rome")
    engine.run_until("2026-03-03T00:00:00Z")
    assert outcomes(engine, id) == [("01.17:00", "fired", 1), ("02.17:00", "fired", 1)]


def test_the_zone_stays_unless_another_is_given(engine: Engine) -> None:
    id = every(engine.root, _timezone="Asia/Tokyo")
    (row,) = engine.agenda.reschedule(id, "0 12 * * *")
    assert (row.tz, standing(row)) == ("Asia/Tokyo", "pending 03:00")


def test_the_next_times_are_those_at_which_it_fires(engine: Engine) -> None:
    ids = [
        every(engine.root, "*/20 * * * *", _count=4),
        every(engine.root, "0 */6 * * *", _until="2026-03-02T00:00:00Z"),
        every(engine.root, "0 9 * * *", _jitter=3_600),
        every(engine.root, "30 2 * * *", _timezone="America/New_York"),
        once(engine.root),
    ]
    moved = every(engine.root, "0 9 * * *")
    engine.agenda.move(moved, timedelta(hours=30))
    told = {id: engine.agenda.next_times(id, 100) for id in (*ids, moved)}
    engine.run_until("2026-03-05T00:00:00Z")
    for id, times in told.items():
        fires = [fire.nominal for fire in reversed(engine.history(id=id))]
        assert fires and fires == [time for time in times if time <= at("2026-03-05T00:00:00Z")]


# ---- fired by hand --------------------------------------------------------------------------------------


def test_one_that_is_fired_by_hand_says_so_in_its_record(engine: Engine) -> None:
    id = every(engine.root, cups=2)
    turn = engine.agenda.fire_now(id)
    assert [(each.name, each.options) for each in turn.directives] == [("rang", {"cups": 2})]
    (fire,) = engine.history()
    assert (fire.outcome, fire.eid, fire.rules) == (Outcome.FIRED, turn.eid, ("desk.rang",))
    assert fire.why == "somebody fired it outside its times"
    row = engine.agenda.load(id)
    assert (row.fires, row.fired) == (1, at(START))


def test_fired_twice_in_one_instant_there_are_two_records(engine: Engine) -> None:
    id = every(engine.root)
    engine.agenda.fire_now(id)
    engine.agenda.fire_now(id)
    first, second = reversed(engine.history())
    assert (first.nominal, second.nominal) == (at(START), at(START) + timedelta(milliseconds=1))


def test_fired_in_the_very_instant_in_which_it_is_due_it_comes_all_the_same(
    engine: Engine, clock: VirtualClock
) -> None:
    id = every(engine.root)
    clock.set("2026-03-01T09:00:00Z")
    engine.agenda.fire_now(id)
    assert engine.run_due() == 1
    assert outcomes(engine, id) == [("01.09:00", "fired", 1)] * 2
    assert standing(engine.agenda.find(id)) == "pending 02.09:00"


def test_moved_to_a_time_that_is_on_record_it_comes_just_behind(engine: Engine) -> None:
    id = every(engine.root, "0 * * * *")
    engine.run_until("2026-03-01T01:00:00Z")
    engine.agenda.move(id, "2026-03-01T01:00:00Z")
    engine.run_until("2026-03-01T01:00:01Z")
    assert outcomes(engine, id) == [("01.01:00", "fired", 1)] * 2


def test_a_repeat_that_may_fire_so_often_is_finished_by_the_last(engine: Engine) -> None:
    id = every(engine.root, _count=2)
    engine.agenda.fire_now(id)
    assert standing(engine.agenda.find(id)) == "pending 09:00"
    engine.agenda.fire_now(id)
    assert standing(engine.agenda.find(id)) == "finished"
    assert engine.next_due() is None


def test_one_whose_ruleset_is_gone_cannot_be_fired(engine: Engine) -> None:
    id = every(engine.root)
    engine.root.uninstall("desk")
    with pytest.raises(PicoschedError) as caught:
        engine.agenda.fire_now(id)
    assert caught.value.code == "not_found"
    assert [each.outcome for each in engine.history()] == [Outcome.CANCELLED]


def test_an_event_on_its_way_to_another_pico_is_no_scheduled_event(engine: Engine) -> None:
    engine.root.install(
        """ruleset sender { rule s { select when s go
             event:send({"eci": event:attrs{"eci"}, "domain": "x", "type": "y"}) } }"""
    )
    other = engine.new_pico("other")
    turn = engine.root.raise_event("s", "go", {"eci": other.new_channel().eci})
    (id,) = turn.scheduled
    assert engine.scheduled() == engine.agenda.scheduled(id) == engine.agenda.cancel(id) == []
    assert engine.agenda.pause([id]) == engine.agenda.move(id, timedelta(1)) == []
    assert engine.run_due() == 1


# ---- many at once ---------------------------------------------------------------------------------------


class Passing(VirtualClock):
    """A clock on which a second passes whenever it is read."""

    def now(self) -> datetime:
        return self.advance(seconds=1)


def test_each_change_is_as_of_its_transaction(tmp_path: Path) -> None:
    with Engine(tmp_path / "picos.db", Passing(START)) as engine:
        engine.root.install(DESK)
        engine.root.raise_event("desk", "many", {"n": AT_ONCE + 1, "when": "2026-03-02T12:00:00Z"})
        ids = [row.id for row in engine.agenda.pause(Filter(domain="desk", type="rang"))]
        times = [engine.agenda.changes_of(id)[-1].at for id in ids]
    assert len(set(times)) == 2 and times == sorted(times)


@pytest.mark.slow
@pytest.mark.slow
def test_many_are_changed_some_at_a_time(engine: Engine, opener: Opener) -> None:
    engine.root.raise_event("desk", "many", {"n": 1_200, "when": "2026-03-01T12:00:00Z"})
    kept = every(engine.root)
    which = Filter(domain="desk", type="rang", kind="at")
    assert engine.agenda.count(which) == 1_200
    assert len(engine.agenda.cancel(which, dry_run=True)) == 1_200
    assert engine.agenda.count(which) == 1_200
    before = engine.commits
    assert len(engine.agenda.pause(which)) == 1_200
    assert engine.commits - before == -(-1_200 // AT_ONCE) == 3
    engine = opener()
    assert engine.agenda.count(replace(which, status=(Status.PAUSED,))) == 1_200
    assert len(engine.agenda.cancel(which, "no more")) == 1_200
    assert [row.id for row in engine.scheduled()] == [kept]
    assert {(fire.outcome, fire.why) for fire in engine.history(limit=2_000)} == {
        (Outcome.CANCELLED, "no more")
    }


def test_ids_are_taken_once_each_and_what_is_not_there_is_left_out(engine: Engine) -> None:
    first, second = once(engine.root), once(engine.root)
    done = engine.agenda.move([second, first, second, "nosuch"], timedelta(hours=1))
    assert [row.id for row in done] == [second, first]
    assert [standing(row) for row in done] == ["pending 13:00"] * 2


def test_a_step_that_fails_for_one_changes_none_of_its_transaction(engine: Engine) -> None:
    ends = every(engine.root, _until="2026-03-02T00:00:00Z")
    goes_on = every(engine.root)
    with pytest.raises(PicoschedError, match="never fires again in the time the schedule has"):
        engine.agenda.reschedule([goes_on, ends], "0 9 1 6 *")
    assert [row.timespec for row in engine.scheduled()] == ["0 9 * * *"] * 2


# ---- filters --------------------------------------------------------------------------------------------


@pytest.fixture
def several(engine: Engine) -> Engine:
    """a, b, … are what is scheduled, by name."""
    other = engine.new_pico("other")
    other.install(DESK.replace("ruleset desk", "ruleset counter"))
    once(engine.root, "2026-03-01T06:00:00Z", _name="a", what="Grüße")
    every(engine.root, "0 9 * * *", _name="b", _description="The morning bell")
    engine.agenda.pause(every(engine.root, "0 18 * * 5", _name="c"))
    engine.agenda.cancel(once(engine.root, "2026-03-01T07:00:00Z", _name="d"))
    engine.agenda.fire_now(once(engine.root, "2026-03-01T08:00:00Z", _name="e"))
    once(other, "2026-03-01T10:00:00Z", _name="f")
    return engine


@pytest.mark.parametrize(
    ("which", "wanted"),
    [
        (Filter(), "abfc"),
        (Filter(status=()), "abfcde"),
        (Filter(status=(Status.PAUSED,)), "c"),
        (Filter(status=(Status.CANCELLED, Status.FINISHED)), "de"),
        (Filter(rid="counter"), "f"),
        (Filter(name="b"), "b"),
        (Filter(name="B"), ""),
        (Filter(domain="desk"), "abfc"),
        (Filter(domain="tea"), ""),
        (Filter(type="rang"), "abfc"),
        (Filter(type="desk"), ""),
        (Filter(kind="at"), "af"),
        (Filter(kind="repeat"), "bc"),
        (Filter(since=at("2026-03-01T09:00:00Z")), "bfc"),
        (Filter(until=at("2026-03-01T09:00:00Z")), "ab"),
        (Filter(since=at("2026-03-01T09:00:00Z"), until=at("2026-03-01T09:00:00Z"), status=()), "b"),
        # A server knows the letters that its locale knows.
        pytest.param(Filter(text="grÜSSE"), "a", marks=pytest.mark.files),
        (Filter(text="BELL"), "b"),
        (Filter(text="* 5"), "c"),
        (Filter(text="counter"), "f"),
        (Filter(text="desk:rang", kind="at"), "af"),
        (Filter(text="%"), ""),
        (Filter(ids=()), ""),
        (Filter(name="a", kind="repeat"), ""),
    ],
)
def test_a_filter_means(several: Engine, which: Filter, wanted: str) -> None:
    assert "".join(row.name or "" for row in several.agenda.scheduled(which)) == wanted
    assert several.agenda.count(which) == len(wanted)
    everything = several.agenda.scheduled(Filter(status=()))
    assert "".join(row.name or "" for row in everything if which.means(row)) == wanted


def test_a_filter_of_a_pico_and_of_ids(several: Engine) -> None:
    other = several.pico("other")
    (row,) = several.agenda.scheduled(Filter(pico_id=other.id))
    assert row.name == "f"
    assert several.agenda.scheduled(Filter(ids=(row.id, "nosuch"))) == [row]
    assert several.agenda.scheduled(row.id) == several.agenda.scheduled([row.id]) == [row]
    assert [each.name for each in several.agenda.scheduled(limit=2)] == ["a", "b"]


WORDS = st.sampled_from(["", "a", "B", "ß", "ẞ", "İ", "9", '"', "%", "_", "\\"])
TIMES = st.integers(0, 5).map(lambda hours: datetime(2026, 3, 1, hours, tzinfo=UTC))
ROWS = st.builds(
    Scheduled,
    id=st.uuids().map(str),
    pico_id=WORDS,
    rid=WORDS,
    domain=WORDS,
    type=WORDS,
    attrs=st.dictionaries(WORDS, WORDS | st.integers(-9, 9) | st.none(), max_size=2),
    kind=st.sampled_from(["at", "repeat", "send"]),
    due=st.none() | TIMES,
    created=TIMES,
    timespec=st.none() | WORDS,
    name=st.none() | WORDS,
    description=st.none() | WORDS,
    status=st.sampled_from(Status),
)
FILTERS = st.builds(
    Filter,
    pico_id=st.none() | WORDS,
    rid=st.none() | WORDS,
    name=st.none() | WORDS,
    domain=st.none() | WORDS,
    type=st.none() | WORDS,
    kind=st.sampled_from([None, None, "at", "repeat"]),
    status=st.sampled_from([(), COMING, (Status.PAUSED,), (Status.FINISHED,)]),
    since=st.none() | TIMES,
    until=st.none() | TIMES,
    text=st.none() | st.lists(WORDS, max_size=2).map("".join),
)


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(rows=st.lists(ROWS, max_size=6), which=FILTERS)
def test_the_store_finds_what_the_filter_means(rows: list[Scheduled], which: Filter) -> None:
    with Engine(clock=VirtualClock(START)) as engine:

        def add() -> None:
            for row in rows:
                engine.store.agenda.add(row)

        engine.write(add)
        wanted = {row.id for row in rows if which.means(row)}
        assert {row.id for row in engine.agenda.scheduled(which)} == wanted
        assert engine.agenda.count(which) == len(wanted)


def test_where_one_row_cannot_be_changed_none_is_and_nobody_else_hears_of_it(engine: Engine) -> None:
    """Others raise events meanwhile, some of them in the transaction in which the change fails."""
    for until in (None, "2026-03-01T12:00:00Z"):
        engine.root.raise_event("desk", "every", {"when": "0 9 * * *", "_until": until})
    before = engine.scheduled()

    def change() -> None:
        for _ in range(30):
            with pytest.raises(PicoschedError, match="never fires again in the time the schedule has"):
                engine.agenda.reschedule(Filter(), "0 18 * * *")

    outcomes = race(change, *[lambda: [engine.root.raise_event("desk", "rang") for _ in range(30)]] * 3)
    assert [turn.errors for turns in outcomes[1:] for turn in turns] == [[]] * 90
    assert len(engine.root.query("desk", "log")) == 90
    assert engine.scheduled() == before
