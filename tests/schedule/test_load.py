"""The load of hours and minutes, against a count of every occurrence; and what is suggested by it."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picosched import Engine, PicoschedError, VirtualClock
from picosched.schedule.load import Stream, What, count_load
from picosched.schedule.suggestion import suggest
from picosched.timespec.timespec import Timespec

START = datetime(2026, 3, 1, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
DAY = timedelta(days=1)
RULES = """
ruleset plan {
  meta { window early from "0 6 * * *" to "0 8 * * *" }
  rule plan { select when plan made fired {
    schedule plan event "due" repeat event:attrs{"when"} with _count = event:attrs{"count"}
      and _window = event:attrs{"window"} and _jitter = event:attrs{"jitter"} } }
}
"""
SPECS = ("*/7 * * * *", "0 * * * *", "5,35 */2 * * *", "0 9 * * 1-5", "@every 90m", "59 23 * * *")


def planned(*given: dict[str, object], **settings: int) -> Engine:
    engine = Engine(":memory:", clock=VirtualClock(START), seed=1, **{"min_period": 0, **settings})
    pico = engine.new_pico("kitchen")
    pico.install(RULES)
    for each in given:
        assert not pico.raise_event("plan", "made", each).errors
    return engine


@pytest.mark.slow
@settings(deadline=None, max_examples=30)
@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "when": st.sampled_from(SPECS),
                "count": st.none() | st.integers(1, 20),
                "window": st.sampled_from([None, "early"]),
                "jitter": st.sampled_from([0, 3600]),
            }
        ),
        max_size=4,
    ),
    st.integers(0, 2_000),
    st.integers(1, 3_000),
    st.sampled_from([0, 599]),
)
def test_a_load_is_what_comes(
    schedules: list[dict[str, object]], skipped: int, minutes: int, min_period: int
) -> None:
    since = START + skipped * MINUTE
    until = since + minutes * MINUTE
    with planned(*schedules, min_period=min_period) as engine:
        load = engine.load(since, until)
        times = [
            time
            for row in engine.scheduled()
            for time in takewhile(lambda time: time < until, engine.agenda.next_times(row.id, 2_000))
            if time >= since
        ]
    assert (load.total, load.complete) == (len(times), until)
    assert load.hours == Counter(time.replace(minute=0, second=0, microsecond=0) for time in sorted(times))
    by_minute = Counter(time.replace(second=0, microsecond=0) for time in times)
    assert [each.count for each in load.fullest] == [count for _, count in by_minute.most_common(5)]
    assert all(each.count == by_minute[each.at] == sum(n for _, n in each.what) for each in load.fullest)


def test_the_fullest_minutes_are_named_with_what_comes_in_them() -> None:
    with planned(*[{"when": "0 9 * * *"}] * 3, {"when": "0 * * * *"}) as engine:
        engine.add_source(
            {
                "type": "crontab",
                "name": "table",
                "to": {"pico": "kitchen"},
                "entries": [{"name": "one", "when": "0 9 * * *", "event": "plan:one"}],
            }
        )
        load = engine.load(until=START + DAY)
        ids = {row.id for row in engine.scheduled()}
    full = load.fullest[0]
    assert (full.at, full.count) == (START + timedelta(hours=9), 5)
    assert {what.id for what, _ in full.what} > ids
    assert {(what.event, what.of) for what, _ in full.what} == {
        ("plan:due", "kitchen"),
        ("plan:one", "table"),
    }


def test_a_fast_metronome_is_a_rate_and_a_slow_one_is_counted() -> None:
    with planned() as engine:
        for name, interval in (("fast", 10), ("slow", 120_000), ("held", 10)):
            engine.add_source(
                {"type": "metronome", "name": name, "interval": interval, "to": {"pico": "kitchen"}}
            )
        engine.pause_source("held")
        load = engine.load()
    assert [(each.what.of, each.per_minute) for each in load.steady] == [("fast", 6_000)]
    assert load.total == 7 * 24 * 30 - 1  # the first tick is two minutes from now, and the end is not in it


def test_what_is_too_much_is_counted_up_to_a_time() -> None:
    what = What("id", "a:b", "kitchen")
    often = [START + timedelta(seconds=each) for each in range(1_000)]
    load = count_load([Stream(what, often)], [], START, START + DAY, START + DAY, most=330)
    assert (load.complete, load.total) == (START + 5 * MINUTE, 300)
    known = count_load([Stream(what, often)], [], START, START + DAY, START + 2 * MINUTE)
    assert (known.complete, known.total) == (START + 2 * MINUTE, 120)


@pytest.mark.slow
def test_every_second_of_a_week_is_counted_in_bounds() -> None:
    with planned({"when": "* * * * * *"}, granularity=1) as engine:
        load = engine.load()
    assert load.complete < load.until and 99_900 <= load.total <= 100_000
    assert load.total == (load.complete - START) // timedelta(seconds=1) - 1


@pytest.mark.parametrize(
    ("spec", "taken", "expected"),
    [
        ("0 9 * * *", {}, (0, 0, None, 0)),
        ("0 9 * * *", {0: 3}, (3, 1, "1 9 * * *", 0)),
        ("0,30 9 * * *", {0: 3, 1: 1, 32: 1}, (3, 3, "3,33 9 * * *", 0)),
        ("58 9 * * *", {58: 2, 59: 1}, (2, 2, None, 0)),  # in the next hour
        ("daily at 9", {0: 1}, (1, 1, None, 0)),
        ("0 9 * * *", dict.fromkeys(range(61), 2) | {7: 1}, (2, 7, "7 9 * * *", 1)),
    ],
)
def test_a_shift_finds_the_minute_with_fewest_others(
    spec: str, taken: dict[int, int], expected: tuple[int, int, str | None, int]
) -> None:
    nine = START + timedelta(hours=9)
    minutes = {nine + day * DAY + at * MINUTE: count for at, count in taken.items() for day in range(7)}
    found = suggest(Timespec.parse(spec), minutes, START, START + 7 * DAY, 60)
    assert (found.others, found.shift, found.shifted, found.shifted_others) == expected


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 5), min_size=120, max_size=120), st.integers(0, 59))
def test_no_shift_is_better_than_the_one_suggested(taken: list[int], minute: int) -> None:
    minutes = {START + at * MINUTE: count for at, count in enumerate(taken)}
    found = suggest(Timespec.parse(f"{minute} * * * *"), minutes, START, START + 2 * 60 * MINUTE, 60)
    counts = [taken[minute + shift] for shift in range(60)]
    assert found.others == counts[0]
    assert (found.shifted_others, found.shift) == (min(counts), counts.index(min(counts)))
    means = {jitter: sum(counts[:jitter]) / jitter for jitter in (5, 15, 30, 60)}
    assert found.jitter_others == pytest.approx(min(means.values()), abs=0.01)
    assert means[found.jitter // 60] == min(means.values())


def test_a_timespec_that_does_not_come_gets_no_suggestion() -> None:
    with planned() as engine, pytest.raises(PicoschedError, match="does not come from 2026-03-01T00:00:00Z"):
        engine.load(suggest="0 9 24 12 *")


def test_a_span_is_to_come_and_has_an_end() -> None:
    with planned() as engine:
        for since, until in ((None, START), (START + DAY, START), (START, START + 32 * DAY)):
            with pytest.raises(PicoschedError, match="wanted one that is to come, of at most 31 days"):
                engine.load(since, until)
