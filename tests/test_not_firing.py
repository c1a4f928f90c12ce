"""What will not fire is predicted with its reason, and is what then does not."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picosched import Engine, VirtualClock
from picosched.clock import format_time, parse_time
from picosched.errors import PicoschedError
from picosched.schedule.filter import Filter

RULES = """ruleset shop {
  meta { window hours from "0 9 * * *" to "0 17 * * *"
    window night from "30 22 * * *" to "15 5 * * *" }
  rule plan { select when shop wanted
    fired { schedule shop event "poll" repeat event:attrs{"when"} attributes event:attrs } }
  rule once { select when shop once
    fired { schedule shop event "poll" at event:attrs{"when"} attributes event:attrs } }
  rule poll { select when shop poll noop() }
}"""
START = "2026-03-01T08:00:00Z"


def opened(min_period: int = 60) -> Engine:
    engine = Engine(":memory:", clock=VirtualClock(START), seed=1, granularity=1, min_period=min_period)
    engine.root.install(RULES)
    return engine


@pytest.fixture
def engine() -> Iterator[Engine]:
    with opened() as engine:
        yield engine


def planned(engine: Engine, when: str, **steering: object) -> None:
    engine.root.raise_event("shop", "wanted", {"when": when, "_name": "poll", **steering})


def told(engine: Engine, days: int = 3, **which: str) -> list[tuple[str, str, str, int]]:
    found = engine.not_firing(Filter(**which), days)  # type: ignore[arg-type]
    return [(format_time(each.at), each.outcome, each.why, each.occurrences) for each in found]


def test_a_closed_window_lets_its_occurrences_go(engine: Engine) -> None:
    planned(engine, "0 8-20 * * *", _window="hours")
    assert told(engine, 2) == [
        ("2026-03-01T17:00:00Z", "skipped", "the window hours is closed until 2026-03-02T09:00:00Z", 5),
        ("2026-03-02T17:00:00Z", "skipped", "the window hours is closed until 2026-03-03T09:00:00Z", 5),
    ]  # fmt: skip


def test_an_event_that_comes_once_is_postponed(engine: Engine) -> None:
    engine.root.raise_event("shop", "once", {"when": "2026-03-01T20:00:00Z", "_window": "hours"})
    why = "the window hours is closed until 2026-03-02T09:00:00Z, and it is postponed until then"
    assert told(engine) == [("2026-03-01T20:00:00Z", "skipped", why, 1)]


def test_what_comes_too_soon_is_throttled(engine: Engine) -> None:
    planned(engine, "0,10,50 0 9 * * *")
    why = "less than 60 s (min_period) after the occurrence of 2026-03-01T09:00:00Z"
    assert told(engine, 1) == [("2026-03-01T09:00:10Z", "throttled", why, 2)]


def test_a_pause_a_count_and_an_end(engine: Engine) -> None:
    planned(engine, "0 9 * * *", _count=2)
    assert told(engine, 5) == [("2026-03-03T09:00:00Z", "ended", "it will have fired 2 times (_count)", 1)]
    (row,) = engine.agenda.scheduled()
    engine.agenda.pause(row.id, "2026-03-02T12:00:00Z")
    assert told(engine, 5) == [
        ("2026-03-01T09:00:00Z", "paused", "until 2026-03-02T12:00:00Z", 2),
        ("2026-03-05T09:00:00Z", "ended", "it will have fired 2 times (_count)", 1),
    ]
    engine.agenda.pause(row.id)
    assert told(engine, 5) == [("2026-03-01T09:00:00Z", "paused", "until it is resumed", 5)]
    engine.agenda.cancel(row.id)
    planned(engine, "0 9 * * *", _until="2026-03-02T10:00:00Z")
    why = "it may be due until 2026-03-02T10:00:00Z (_until)"
    assert told(engine) == [("2026-03-03T09:00:00Z", "ended", why, 1)]


def test_a_pause_is_told_as_long_as_it_lasts(engine: Engine) -> None:
    planned(engine, "0 * * * *")
    engine.root.raise_event("shop", "once", {"when": "2026-03-01T08:30:00Z"})
    ids = [row.id for row in engine.agenda.scheduled()]
    engine.agenda.pause(ids, "2026-03-01T12:30:00Z")
    engine.run_until("2026-03-01T10:10:00Z")
    # The one that comes once will be raised late.
    assert told(engine, 1) == [("2026-03-01T09:00:00Z", "paused", "until 2026-03-01T12:30:00Z", 4)]
    later = Filter(since=parse_time("2026-03-01T13:00:00Z"))
    assert engine.not_firing(later, 1) == []
    engine.agenda.pause(ids)
    assert [each[:2] for each in told(engine, 1)] == [
        ("2026-03-01T08:30:00Z", "paused"),
        ("2026-03-01T09:00:00Z", "paused"),
    ]
    assert [each.outcome for each in engine.not_firing(later, 1)] == ["paused", "paused"]


def test_times_between_two_ticks_are_put_off_as_they_will_be() -> None:
    start, end = "2026-03-01T08:08:00Z", "2026-03-01T08:40:00Z"
    with Engine(":memory:", clock=VirtualClock(START), seed=1, granularity=60, min_period=1_000) as engine:
        engine.root.install(RULES)
        planned(engine, "every 90 seconds", _jitter=5)
        engine.run_until(start)
        (row,) = engine.agenda.scheduled()
        coming = engine.agenda.next_times(row.id, 2)
        predicted = sum(each.occurrences for each in engine.not_firing(Filter(until=parse_time(end))))
        engine.run_until(end)
        fires = [each for each in engine.history(limit=100) if each.nominal > parse_time(start)]
    outcomes = Counter(each.outcome.value for each in fires)
    assert predicted == outcomes["throttled"] == 20
    assert coming == sorted(each.nominal for each in fires if each.outcome.value == "fired")


def test_the_days_that_a_calendar_leaves_out(engine: Engine) -> None:
    planned(engine, '0 9 * * 1-5 except holidays("DE-BE")', _timezone="Europe/Berlin")
    assert [(each[0], each[1]) for each in told(engine, 60)] == [
        ("2026-04-02T22:00:00Z", "left out"),
        ("2026-04-05T22:00:00Z", "left out"),
    ]
    assert told(engine, 60)[0][2].startswith("Fri 2026-04-03: ")


def test_limits_and_filters(engine: Engine) -> None:
    planned(engine, "0 8-20 * * *", _window="hours")
    assert len(engine.not_firing(Filter(), 31, 3)) == 3
    assert told(engine, name="other") == []
    until = Filter(until=parse_time("2026-03-02T00:00:00Z"), since=parse_time("2026-03-01T12:00:00Z"))
    assert len(engine.not_firing(until, 31)) == 1
    for days, limit in ((0, 1), (367, 1), (1, 0), (1, 1_001)):
        with pytest.raises(PicoschedError, match="wanted 1 to 366 days and 1 to 1,000 entries"):
            engine.not_firing(Filter(), days, limit)


def test_what_was_moved_comes_once(engine: Engine) -> None:
    planned(engine, "0 18 * * *", _window="hours")
    (row,) = engine.agenda.scheduled()
    engine.agenda.move(row.id, "2026-03-01T17:30:00Z")
    why = "the window hours is closed until 2026-03-02T09:00:00Z"
    assert told(engine, 1) == [("2026-03-01T17:30:00Z", "skipped", why, 1)]
    engine.agenda.pause(row.id, "2026-03-01T17:45:00Z")
    assert told(engine, 1) == [("2026-03-01T17:30:00Z", "paused", "until 2026-03-01T17:45:00Z", 1)]
    engine.agenda.pause(row.id, "2026-03-01T19:00:00Z")
    assert told(engine, 1) == [("2026-03-01T17:30:00Z", "paused", "until 2026-03-01T19:00:00Z", 1)]


def test_what_was_moved_may_come_too_soon(engine: Engine) -> None:
    planned(engine, "0 9 * * *")
    engine.run_until("2026-03-01T09:00:00Z")
    (row,) = engine.agenda.scheduled()
    engine.agenda.move(row.id, "2026-03-01T09:00:30Z")
    why = "less than 60 s (min_period) after the occurrence of 2026-03-01T09:00:00Z"
    assert told(engine, 2) == [("2026-03-01T09:00:30Z", "throttled", why, 1)]


@pytest.mark.parametrize(
    ("steering", "entries"),
    [
        ({}, []),
        ({"_misfire": "skip"}, [("skipped", "it was missed, and its misfire policy is skip")]),
        (
            {"_window": "night"},
            [
                (
                    "skipped",
                    "the window night is closed until 2026-03-01T22:30:00Z, and it is postponed until then",
                )
            ],
        ),
    ],
)
def test_an_event_that_comes_once_comes_late_after_a_pause(
    engine: Engine, steering: dict[str, str], entries: list[tuple[str, str]]
) -> None:
    engine.root.raise_event("shop", "once", {"when": "2026-03-01T12:00:00Z", **steering})
    (row,) = engine.agenda.scheduled()
    engine.agenda.pause(row.id, "2026-03-01T15:00:00Z")
    assert [each[1:3] for each in told(engine)] == entries
    engine.run_until("2026-03-02T08:00:00Z")
    happened = [(each.outcome.value, each.why) for each in engine.history() if each.why is not None]
    assert happened == entries
    engine.root.raise_event("shop", "once", {"when": "2026-03-02T12:00:00Z"})
    (row,) = engine.agenda.scheduled()
    engine.agenda.pause(row.id)
    assert told(engine) == [("2026-03-02T12:00:00Z", "paused", "until it is resumed", 1)]


@pytest.mark.slow
def test_what_has_too_many_occurrences_says_from_where_on_nobody_looked(engine: Engine) -> None:
    with opened(min_period=0) as quick:
        planned(quick, "* * * * * *", _count=1_000_000_000)
        ((_, outcome, why, _),) = told(quick, 31)
        assert outcome == "unknown" and "100,000" in why


@pytest.mark.slow
@settings(max_examples=25, deadline=None)
@given(
    st.sampled_from(["*/20 * * * *", "0 */5 * * *", "0,30 */40 * * * *", "7 3,12,18 * * *", "0 17,9 * * *"]),
    st.sampled_from([None, "hours", "night"]),
    st.sampled_from([0, 1800]),
    st.sampled_from([None, 3, 40]),
    st.sampled_from([None, "2026-03-02T11:00:00Z"]),
    st.sampled_from([0, 60, 3_000]),
)
def test_what_is_predicted_is_what_happens(
    when: str, window: str | None, jitter: int, count: int | None, until: str | None, min_period: int
) -> None:
    with opened(min_period) as engine:
        planned(engine, when, _window=window, _jitter=jitter, _count=count, _until=until)
        predicted: Counter[str] = Counter()
        for each in engine.not_firing(Filter(), 3):
            predicted[each.outcome] += each.occurrences
        engine.run_until("2026-03-04T08:00:00Z")
        happened: Counter[str] = Counter()
        for fire in engine.history(limit=10_000):
            if fire.outcome.value in ("skipped", "throttled"):
                happened[fire.outcome.value] += fire.stands_for
        assert {each: predicted[each] for each in ("skipped", "throttled")} == {
            each: happened[each] for each in ("skipped", "throttled")
        }
        (row,) = engine.agenda.scheduled(Filter(status=()))
        assert predicted["ended"] <= (row.status.value == "finished")


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(["*/20 * * * *", "0 */5 * * *", "@every 90m", "7 3,12,18 * * *", None]),
    st.sampled_from([None, "hours", "night"]),
    st.sampled_from([0, 1800]),
    st.sampled_from(["once", "skip", "all"]),
    st.sampled_from([0, 60, 3_000]),
    st.integers(1, 2_000),
    st.booleans(),
    st.booleans(),
)
def test_what_is_predicted_of_the_moved_and_the_paused_is_what_happens(
    when: str | None,
    window: str | None,
    jitter: int,
    misfire: str,
    min_period: int,
    minutes: int,
    is_moved: bool,
    is_paused: bool,
) -> None:
    with opened(min_period) as engine:
        steering = {"_window": window, "_jitter": jitter, "_misfire": misfire}
        if when is None:
            engine.root.raise_event("shop", "once", {"when": "2026-03-02T02:00:00Z", **steering})
        else:
            planned(engine, when, **steering)
        (row,) = engine.agenda.scheduled()
        later = parse_time(START) + timedelta(minutes=minutes)
        if is_moved:
            engine.agenda.move(row.id, later)
        if is_paused:
            engine.agenda.pause(row.id, later + timedelta(hours=6))
        predicted: Counter[str] = Counter()
        for each in engine.not_firing(Filter(), 3):
            predicted[each.outcome] += each.occurrences
        engine.run_until("2026-03-04T08:00:00Z")
        happened: Counter[str] = Counter()
        for fire in engine.history(limit=10_000):
            if fire.outcome.value in ("skipped", "throttled", "paused"):
                happened[fire.outcome.value] += fire.stands_for
        assert predicted == happened
