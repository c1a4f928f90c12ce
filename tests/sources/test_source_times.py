"""When sources raise their events: against a calendar that is walked second by second, and after a stall."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picosched import Engine, Timespec, VirtualClock
from picosched.clock import to_ms
from picosched.schedule.scheduled import Misfire, Outcome
from picosched.sources.metronome import Beat
from picosched.sources.occurrence import dealt_with

START = datetime(2026, 3, 25, 10, 0, 0, tzinfo=UTC)
WEEK = timedelta(days=7)
SECOND = timedelta(seconds=1)
BERLIN = ZoneInfo("Europe/Berlin")
"""Its clocks are set forward in that week."""

TO = {"pico": "kitchen"}
TICK = {"type": "metronome", "name": "tick", "to": TO, "interval": 97_500, "journal": True}
TRIGGER = {
    "type": "crononome",
    "to": TO,
    "entries": [
        {"name": "sevens", "expr": "15 */7 * * * *", "payload": {"n": 7}},
        {"name": "office", "expr": "0 30 9-17 * * 1-5", "tz": "Europe/Berlin"},
    ],
}
TABLE = {
    "type": "crontab",
    "name": "table",
    "to": TO,
    "event": "table:line",
    "entries": [
        {"name": "nightly", "when": "0 3 * * *", "event": "backup:wanted", "attrs": {"what": "all"}},
        {"name": "berlin", "when": "45 4 * * *", "tz": "Europe/Berlin"},
    ],
}

Happened = tuple[datetime, str, str | None]
"""When an event was due, which it was, and the entry or source that it names."""


def expected() -> Iterator[Happened]:
    """What sources made at START must raise in a week, told by looking at every second of it."""
    due = START + timedelta(milliseconds=97_500)
    while due <= START + WEEK:
        yield due, "metronome:tick", "tick"
        due += timedelta(milliseconds=97_500)
    time = START + SECOND
    while time <= START + WEEK:
        local = time.astimezone(BERLIN)
        if time.second == 15 and time.minute % 7 == 0:
            yield time, "crononome:trigger", "sevens"
        if (local.minute, local.second) == (30, 0) and 9 <= local.hour <= 17 and local.weekday() < 5:
            yield time, "crononome:trigger", "office"
        if (time.hour, time.minute, time.second) == (3, 0, 0):
            yield time, "backup:wanted", None
        if (local.hour, local.minute, local.second) == (4, 45, 0):
            yield time, "table:line", None
        time += SECOND


def happened(engine: Engine) -> list[Happened]:
    """What was raised by sources, and that each came when it was due."""
    found: list[Happened] = []
    for entry in engine.journal(limit=100_000):
        if entry.scheduled is None:
            continue
        (handled,) = entry.handled
        attrs = handled["attrs"]
        assert entry.nominal == entry.at
        if "ingest_ns" in attrs:
            assert attrs["ingest_ns"] == to_ms(entry.at) * 1_000_000
        told = attrs["trigger"]["name"] if "trigger" in attrs else attrs.get("connector")
        assert entry.nominal is not None
        found.append((entry.nominal, f"{handled['domain']}:{handled['type']}", told))
    return sorted(found, key=str)


def new_engine(path: Path | str, now: datetime = START, **options: Any) -> Engine:
    return Engine(path, clock=VirtualClock(now), durability="normal", **options)


@pytest.mark.slow
def test_a_week_is_as_the_calendar_has_it(tmp_path: Path) -> None:
    path = tmp_path / "picos.db"
    with new_engine(path) as engine:
        engine.new_pico("kitchen")
        for source in (TICK, TRIGGER, TABLE):
            engine.add_source(source)
        engine.run_until(START + WEEK / 2)
    with new_engine(path, START + WEEK / 2) as engine:  # as if nothing had been
        engine.run_until(START + WEEK)
        assert happened(engine) == sorted(expected(), key=str)
        tick, trigger, table = engine.sources()
        fires = engine.history(limit=100_000)
        assert {fire.outcome for fire in fires} == {Outcome.FIRED}
        assert len(fires) == trigger.fires + table.fires  # the ticks are counted, and that is all
        assert tick.fires == WEEK // timedelta(milliseconds=97_500)
        assert tick.missed == trigger.missed == table.missed == 0
        assert ids_of(engine, "crononome:trigger") == [*range(trigger.fires)]
        assert ids_of(engine, "metronome:tick") == [*range(tick.fires)]


def ids_of(engine: Engine, event: str) -> list[int]:
    handled = [entry.handled[0] for entry in reversed(engine.journal(limit=100_000))]
    return [each["attrs"]["id"] for each in handled if f"{each['domain']}:{each['type']}" == event]


def test_seconds_are_kept_whatever_the_granularity_of_schedules() -> None:
    with new_engine(":memory:", granularity=3600, min_period=3600) as engine:
        engine.add_source(
            {**TRIGGER, "to": {"pico": "root"}, "entries": [{"name": "s", "expr": "* * * * * *"}]}
        )
        assert engine.run_until(START + 10 * SECOND) == 10
        assert [fire.lateness for fire in engine.history()] == [0] * 10


def test_a_start_fixes_the_phase() -> None:
    with new_engine(":memory:") as engine:
        past, future = START - timedelta(milliseconds=333), START + timedelta(seconds=5)
        for name, start in (("past", past), ("future", future)):
            engine.add_source(
                {
                    "type": "metronome",
                    "name": name,
                    "interval": 1000,
                    "start": start.isoformat(),
                    "to": {"pico": "root"},
                }
            )
        dues = {source.name: source.due for source in engine.sources()}
        assert dues == {"past": past + SECOND, "future": future}


# ---- after a stall ----------------------------------------------------------------------------------


def test_a_metronome_keeps_its_phase_and_does_not_burst() -> None:
    clock = VirtualClock(START)
    with Engine(clock=clock) as engine:
        engine.add_source({**TICK, "to": {"pico": "root"}, "interval": 100})
        clock.advance(milliseconds=1_234)  # nobody looked meanwhile
        assert engine.run_due() == 1
        (source,) = engine.sources()
        assert (source.fires, source.missed) == (1, 11)
        assert source.due == START + timedelta(milliseconds=1_300)
        assert engine.run_until(START + 2 * SECOND) == 8
        (source,) = engine.sources()
        assert (source.fires, source.missed, source.entries[0].outcome) == (9, 11, Outcome.FIRED)


def test_an_entry_that_is_late_by_less_than_a_second_is_not_missed() -> None:
    clock = VirtualClock(START)
    with Engine(clock=clock) as engine:
        engine.add_source(
            {**TRIGGER, "to": {"pico": "root"}, "entries": [{"name": "s", "expr": "* * * * * *"}]}
        )
        clock.advance(milliseconds=1_900)
        assert engine.run_due() == 1
        clock.advance(milliseconds=1_300)  # 3.2 s: those of 2 and 3 s come one by one, the first late
        assert engine.run_due() == 1
        (source,) = engine.sources()
        assert (source.fires, source.missed) == (2, 1)


HOURLY = {"name": "hourly", "when": "0 * * * *", "expr": "0 * * * *", "event": "x:y"}

DOWN: list[tuple[str, str | None, list[tuple[Outcome, int, float]], int]] = [
    ("crontab", None, [(Outcome.COALESCED, 5, 4.5)], 1),
    ("crontab", "once", [(Outcome.COALESCED, 5, 4.5)], 1),
    ("crontab", "skip", [(Outcome.SKIPPED, 5, 4.5)], 0),
    ("crontab", "all", [(Outcome.LATE, 1, hours + 0.5) for hours in range(4, -1, -1)], 5),
    ("crononome", None, [(Outcome.SKIPPED, 5, 4.5)], 0),
    ("crononome", "once", [(Outcome.COALESCED, 5, 4.5)], 1),
    ("crononome", "all", [(Outcome.LATE, 1, hours + 0.5) for hours in range(4, -1, -1)], 5),
]
"""What was down from before 11:00 to 15:30: the records of an hourly entry, and the events raised."""


@pytest.mark.parametrize(("type", "misfire", "records", "raised"), DOWN)
def test_what_was_missed_goes_by_the_policy(
    type: str, misfire: str | None, records: list[tuple[Outcome, int, float]], raised: int
) -> None:
    clock = VirtualClock(START + timedelta(minutes=30))
    wanted = ("name", "when", "event") if type == "crontab" else ("name", "expr")
    entry = {key: HOURLY[key] for key in wanted}
    policy = {} if misfire is None else {"misfire": misfire}
    with Engine(clock=clock) as engine:
        engine.add_source({"type": type, "to": {"pico": "root"}, "entries": [entry], **policy})
        clock.set(START + timedelta(hours=5.5))
        assert engine.run_due() == raised
        fires = [*reversed(engine.history())]
        assert [(fire.outcome, fire.stands_for, fire.lateness / 3600) for fire in fires] == records
        (source,) = engine.sources()
        assert (source.fires, source.missed) == (raised, sum(n for _, n, _ in records) - raised)
        assert source.due == START + timedelta(hours=6)


def test_a_metronome_may_make_up_for_what_was_missed() -> None:
    for misfire, raised, missed in (("all", 12, 0), ("once", 1, 11), ("skip", 1, 11)):
        clock = VirtualClock(START)
        with Engine(clock=clock) as engine:
            engine.add_source({**TICK, "to": {"pico": "root"}, "interval": 100, "misfire": misfire})
            clock.advance(milliseconds=1_250)
            assert engine.run_due() == raised
            (source,) = engine.sources()
            assert (source.fires, source.missed) == (raised, missed)


def test_the_ticks_of_a_long_downtime_are_counted_exactly() -> None:
    clock = VirtualClock(START)
    with Engine(clock=clock) as engine:
        engine.add_source({**TICK, "to": {"pico": "root"}, "interval": 10})
        clock.advance(days=365)
        assert engine.run_due() == 1
        (source,) = engine.sources()
        assert source.fires + source.missed == 365 * 86_400 * 100


# ---- the rule, against counting by hand -------------------------------------------------------------

Times = Beat | Timespec


def walked(times: Times, due: datetime, until: datetime) -> list[datetime]:
    found: list[datetime] = []
    step: datetime | None = due
    while step is not None and step <= until:
        found.append(step)
        step = times.after(step)
    return found


beats = st.builds(Beat, st.integers(10, 5_000), st.just(START))
specs = st.sampled_from(["* * * * * *", "*/7 * * * * *", "0 */2 * * * *", "30 1 * * * *"]).map(Timespec.parse)


@given(times=st.one_of(beats, specs), late=st.integers(0, 20_000), first=st.integers(0, 50))
def test_each_occurrence_is_dealt_with_once(times: Times, late: int, first: int) -> None:
    due = times.after(START + first * SECOND)
    assert due is not None
    looked = due + timedelta(milliseconds=late)
    grace = timedelta(seconds=1)
    if isinstance(times, Beat):
        grace = min(grace, timedelta(milliseconds=times.interval - 1))
    all_due = walked(times, due, looked)
    fresh = [each for each in all_due if looked - each <= grace]
    for misfire in Misfire:
        dealt = dealt_with(times, due, looked, misfire)
        ended = [each for each in all_due if dealt.next is None or each < dealt.next]
        assert len(ended) == dealt.stands_for
        if late <= grace / timedelta(milliseconds=1):
            assert (dealt.outcome, dealt.stands_for) == (Outcome.FIRED, 1)
        elif misfire is Misfire.SKIP:
            assert dealt.outcome is Outcome.SKIPPED
            assert ended == [each for each in all_due if each not in fresh]
        elif misfire is Misfire.ALL:
            assert (dealt.outcome, dealt.stands_for) == (Outcome.LATE, 1)
        else:
            assert ended == all_due
        assert dealt.missed + dealt.raised == dealt.stands_for


@given(
    interval=st.integers(10, 100_000), start=st.integers(-(10**6), 10**6), time=st.integers(-(10**6), 10**7)
)
def test_a_beat_lies_on_its_grid(interval: int, start: int, time: int) -> None:
    def ms(n: int) -> datetime:
        return START + timedelta(milliseconds=n)

    beat = Beat(interval, ms(start))
    after = beat.after(ms(time))
    assert after is not None and after > ms(time)
    assert (after - ms(start)) % timedelta(milliseconds=interval) == timedelta(0)
    assert after == ms(start) or after - beat.step <= ms(time)
    assert beat.count(ms(time), after, 10**9) == 1


def test_what_is_scheduled_does_not_wait_for_a_backlog(tmp_path: Path) -> None:
    """While a source makes up for what it missed, a schedule that comes due meanwhile has its turn."""
    clock = Running(START)
    with Engine(tmp_path / "picos.db", clock=clock, granularity=1, durability="normal") as engine:
        engine.root.install(PLANNING)
        engine.add_source(
            {**TICK, "to": {"pico": "root"}, "interval": 100, "misfire": "all", "journal": False}
        )
        engine.root.raise_event("plan", "later", {"seconds": 70})
        clock.set(START + 60 * SECOND)
        clock.step = timedelta(milliseconds=50)  # every look at the clock takes a while
        assert engine.run_due() > 600
        (fire,) = engine.root.history()
        assert (fire.outcome, fire.lateness < 1) == (Outcome.FIRED, True)


PLANNING = """ruleset planning {
  rule plan { select when plan later
    always { schedule done event "later" at time:add(time:now(), {"seconds": event:attrs{"seconds"}}) } }
  rule done { select when done later send_directive("done") }
}"""


class Running(VirtualClock):
    """A clock that goes on whenever it is looked at."""

    step = timedelta(0)

    def now(self) -> datetime:
        return self.advance(self.step)
