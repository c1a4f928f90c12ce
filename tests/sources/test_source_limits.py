"""Sources that begin, end, come so often, and keep to a window: as schedules do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picosched import Engine, PicoschedError, Timespec, VirtualClock
from picosched.clock import format_time
from picosched.schedule.scheduled import MOST_COUNT, Misfire, Outcome
from picosched.schedule.window import Window
from picosched.sources.metronome import Beat
from picosched.sources.occurrence import dealt_with
from picosched.sources.reading import read_source
from picosched.sources.steering import Limited, Steering

START = datetime(2026, 3, 1, tzinfo=UTC)
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
TO = {"pico": "root"}
LINE = {"name": "line", "when": "0 * * * *", "event": "table:line"}
TABLE: dict[str, Any] = {"type": "crontab", "name": "source", "to": TO, "entries": [LINE]}
TICK: dict[str, Any] = {"type": "metronome", "name": "source", "to": TO, "interval": 600_000}
NIGHT = Window.parse("night", "0 3 * * *", "0 5 * * *")


def engine() -> Engine:
    made = Engine(":memory:", clock=VirtualClock(START), windows=(NIGHT,))
    made.root.install("""ruleset seen { meta { shares at }
      global { at = function() { ent:at.defaultsTo([]) } }
      rule all { select when table line or metronome tick always { ent:at := at().append(time:now()) } } }""")
    return made


def seen(made: Engine) -> list[str]:
    found: list[str] = made.root.query("seen", "at")
    return [each.replace(".000Z", "Z") for each in found]


def hours(*given: int) -> list[str]:
    return [format_time(START + each * HOUR) for each in given]


def test_a_source_begins_and_ends() -> None:
    with engine() as made:
        made.add_source({**TABLE, "from": hours(2)[0], "until": hours(4)[0]})
        made.run_until(START + 9 * HOUR)
        assert seen(made) == hours(2, 3, 4)
        (entry,) = made.sources()[0].entries
        assert entry.due is None and entry.when.endswith(f", from {hours(2)[0]}, until {hours(4)[0]}")


@pytest.mark.parametrize("given", [TABLE, {**TICK, "interval": 3_600_000}], ids=["crontab", "metronome"])
def test_a_source_comes_so_often(given: dict[str, Any]) -> None:
    with engine() as made:
        made.add_source({**given, "count": 3})
        made.run_until(START + 9 * HOUR)
        assert seen(made) == hours(1, 2, 3)
        assert made.sources()[0].due is None and made.next_due() is None


def test_each_entry_counts_and_wins_over_its_source() -> None:
    other = {**LINE, "name": "other", "count": 2, "when": "30 * * * *"}
    with engine() as made:
        made.add_source({**TABLE, "count": 1, "entries": [LINE, other]})
        made.run_until(START + 9 * HOUR)
        assert {each.name: each.fires for each in made.sources()[0].entries} == {"line": 1, "other": 2}


def test_what_was_missed_does_not_count() -> None:
    with engine() as made:
        made.add_source({**TABLE, "count": 2, "misfire": "skip"})
        made.run_until(START + HOUR)
        clock = made.clock
        assert isinstance(clock, VirtualClock)
        clock.set(START + 4 * HOUR + 30 * MINUTE)
        made.run_due()
        made.run_until(START + 9 * HOUR)
        (entry,) = made.sources()[0].entries
        assert (seen(made), entry.missed) == (hours(1, 5), 3)


def test_a_changed_count_goes_on_from_the_fires_so_far() -> None:
    with engine() as made:
        for count, until in ((2, 5), (4, 10), (3, 15)):
            made.bring_sources([read_source({**TABLE, "count": count})])
            made.run_until(START + until * HOUR)
        assert seen(made) == hours(1, 2, 6, 7)


def test_a_source_keeps_to_its_window() -> None:
    with engine() as made:
        made.add_source({**TABLE, "window": "night"})
        made.run_until(START + 6 * HOUR)
        assert seen(made) == hours(3, 4)
        (entry,) = made.sources()[0].entries
        told = {format_time(fire.nominal): (fire.outcome, fire.why) for fire in made.history(id=entry.id)}
        assert told[hours(1)[0]] == (Outcome.SKIPPED, f"the window night is closed until {hours(3)[0]}")
        assert (entry.fires, entry.missed, entry.failed) == (2, 0, 0)


def test_a_fast_metronome_passes_over_the_time_of_a_closed_window() -> None:
    with engine() as made:
        made.add_source({**TICK, "interval": 10, "window": "night", "count": 5, "journal": True})
        made.run_until(START + 3 * HOUR - MINUTE)
        assert made.next_due() == START + 3 * HOUR
        assert made.commits < 20
        made.run_until(START + 4 * HOUR)
        assert len(seen(made)) == 5 and seen(made)[0] == hours(3)[0]


def test_a_window_that_is_gone_is_a_failure_until_it_is_back() -> None:
    with engine() as made:
        with pytest.raises(PicoschedError, match='entry "line": there is no window noon'):
            made.add_source({**TABLE, "window": "noon"})
        made.bring_sources([read_source({**TABLE, "window": "noon"})])
        made.run_until(START + 2 * HOUR)
        (entry,) = made.sources()[0].entries
        assert (entry.fires, entry.failed, seen(made)) == (0, 2, [])
        assert entry.error == "there is no window noon; there is night"
        made.bring_sources([read_source({**TABLE, "window": "night"})])
        made.run_until(START + 4 * HOUR)
        assert seen(made) == hours(3, 4)


def test_the_load_keeps_to_the_limits() -> None:
    with engine() as made:
        made.add_source({**TABLE, "name": "a", "from": hours(2)[0], "until": hours(8)[0], "count": 4})
        made.add_source({**TABLE, "name": "b", "window": "night"})
        load = made.load(until=START + 24 * HOUR)
        assert [*load.hours] == [START + each * HOUR for each in (2, 3, 4, 5)]
        assert [*load.hours.values()] == [1, 2, 2, 1]
        assert made.load(START + 3 * HOUR, START + 24 * HOUR).total == 5


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"count": 0}, f"found 0 as count, wanted a whole number from 1 to {MOST_COUNT:,}"),
        ({"count": True}, "found true as count, wanted a whole number"),
        ({"window": 5}, "found 5 as window, wanted a string"),
        ({"until": "soon"}, "until: found 'soon', wanted an ISO 8601 time"),
        ({"from": 5}, "from: found 5, wanted an ISO 8601 time"),
        ({"from": "2026-03-02", "until": "2026-03-01"}, "wanted an end that is not before the start"),
    ],
    ids=str,
)
@pytest.mark.parametrize("place", ["table", "entry", "metronome"])
def test_a_wrong_limit_is_told(place: str, more: dict[str, Any], message: str) -> None:
    given: Callable[[], dict[str, Any]] = {
        "table": lambda: {**TABLE, **more},
        "entry": lambda: {**TABLE, "entries": [{**LINE, **more}]},
        "metronome": lambda: {**TICK, **more},
    }[place]
    with pytest.raises(PicoschedError) as caught:
        read_source(given())
    assert message in caught.value.message and caught.value.message.startswith('the source "source"')
    assert caught.value.message.count("the source") == 1


TIMES = st.sampled_from([Timespec.parse("*/7 * * * *"), Beat(420_000, START), Beat(100_000, START)])


@given(TIMES, st.integers(0, 300), st.integers(0, 300), st.integers(0, 400), st.integers(0, 400))
def test_limited_times_are_those_within_the_limits(
    times: Timespec | Beat, since: int, until: int, after: int, last: int
) -> None:
    limited = Limited(times, START + since * MINUTE, START + until * MINUTE)
    walked: list[datetime] = []
    time: datetime | None = START - timedelta(milliseconds=1)
    while (time := times.after(time)) is not None and time <= START + 400 * MINUTE:
        walked.append(time)
    within = [time for time in walked if START + since * MINUTE <= time <= START + until * MINUTE]
    behind = [time for time in within if time > START + after * MINUTE]
    assert limited.after(START + after * MINUTE) == (behind[0] if behind else None)
    counted = [time for time in behind if time <= START + last * MINUTE]
    assert limited.count(START + after * MINUTE, START + last * MINUTE, 1_000) == len(counted)
    assert Steering().times(times) is times


@given(st.integers(0, 7 * 60), st.sampled_from(Misfire), st.sampled_from([60_000, 600_000]))
def test_nothing_is_raised_while_the_window_is_closed(late: int, misfire: Misfire, interval: int) -> None:
    beat = Beat(interval, START)
    due, looked = START, START + late * MINUTE
    for _ in range(2_000):
        dealt = dealt_with(beat, due, looked, misfire, NIGHT)
        if dealt.raised:
            assert NIGHT.open_at(due) and (dealt.outcome is Outcome.FIRED or NIGHT.open_at(looked))
        assert dealt.next is not None and dealt.next > due and dealt.stands_for >= 1
        due = dealt.next
        if due > looked:
            break
    assert due > looked
