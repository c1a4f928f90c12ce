"""Downtime adds no fires: against an engine that is always up, by an oracle that looks at every minute."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picosched.schedule.fire import missed
from picosched.schedule.occurrence import Terms, _last_in_time, dealt_with
from picosched.schedule.scheduled import Misfire, Outcome, Scheduled
from picosched.schedule.window import Window

START = datetime(2026, 3, 1, tzinfo=UTC)
END = START + timedelta(days=4)
MINUTE = timedelta(minutes=1)
GRANULARITY = 60

REPEATS: dict[str, Callable[[int, int], bool]] = {
    "0 * * * *": lambda hour, minute: minute == 0,
    "*/20 * * * *": lambda hour, minute: minute % 20 == 0,
    "0 9 * * *": lambda hour, minute: (hour, minute) == (9, 0),
    "15,45 8-18 * * *": lambda hour, minute: minute in (15, 45) and 8 <= hour <= 18,
    "7 */3 * * *": lambda hour, minute: minute == 7 and hour % 3 == 0,
}
"""Timespecs, and the minutes of a day at which they come, said without them."""

ALWAYS = (0, 24 * 60)
WINDOWS = [ALWAYS, (10 * 60, 18 * 60), (12 * 60 + 5, 12 * 60 + 45), (8 * 60, 8 * 60 + 30)]
"""The minutes of a day from and to which they are open."""


class Record(NamedTuple):
    """What became of one occurrence."""

    due: datetime
    outcome: Outcome
    stands_for: int


@dataclass(frozen=True)
class Case:
    """A repeat, what bounds it, and the time in which nobody was there."""

    timespec: str
    window: tuple[int, int]
    min_period: timedelta
    misfire: Misfire
    jitter: int
    down: datetime
    up: datetime

    @property
    def row(self) -> Scheduled:
        made = Scheduled("r1", "p", "r", "d", "t", {}, "repeat", None, START)
        row = replace(made, timespec=self.timespec, misfire=self.misfire, jitter=self.jitter, window="day")
        return replace(row, due=row.following(START, GRANULARITY))

    def open_at(self, time: datetime) -> bool:
        return self.window[0] <= time.hour * 60 + time.minute < self.window[1]

    def lived(self, *, outage: bool) -> list[Record]:
        """What becomes of all occurrences, dealt with as they come, but for an outage."""
        opens, closes = (f"{minute % 60} {minute // 60 % 24} * * *" for minute in self.window)
        window = None if self.window == ALWAYS else Window.parse("day", opens, closes)
        row, records, now = self.row, list[Record](), START
        while row.due is not None and row.due <= END:
            now = max(now, row.due)
            if outage and self.down < now < self.up:
                now = self.up
            terms = Terms(Misfire.ONCE, GRANULARITY, self.min_period, window, row.spaced_from)
            dealt = dealt_with(row, row.due, now, now, terms)
            records.append(Record(row.due, dealt.outcome, dealt.stands_for))
            assert (dealt.why is None) == (dealt.outcome in (Outcome.FIRED, Outcome.LATE, Outcome.COALESCED))
            row = dealt.row
        return records

    # The oracle

    @property
    def dues(self) -> list[datetime]:
        put_off = self.row.put_off
        return [each + put_off for each in minutes_of(self.timespec) if START < each + put_off <= END]

    @property
    def wanted(self) -> list[datetime]:
        """What an engine raises that is always up."""
        found: list[datetime] = []
        for due in self.dues:
            if self.open_at(due) and (not found or due - found[-1] >= self.min_period):
                found.append(due)
        return found

    @property
    def wanted_with_the_outage(self) -> list[datetime]:
        """What is raised if nobody is there from `down` to `up`."""
        found = [due for due in self.wanted if not self.down < due <= self.up]
        late = [due for due in self.wanted if self.down < due <= self.up]
        if self.misfire is Misfire.SKIP:
            late = [due for due in late if not self.too_late(due)]
        late = [due for due in late if not self.too_late(due) or self.open_at(self.up)]
        if self.misfire is not Misfire.ALL:
            late = late[:1]
        return sorted(found + late)

    def too_late(self, due: datetime) -> bool:
        return missed(due, self.up, GRANULARITY)


@cache
def minutes_of(timespec: str) -> list[datetime]:
    minutes = (START + number * MINUTE for number in range(4 * 24 * 60 + 1))
    return [time for time in minutes if REPEATS[timespec](time.hour, time.minute)]


@st.composite
def cases(draw: st.DrawFn) -> Case:
    timespec = draw(st.sampled_from(sorted(REPEATS)))
    # It ends at any minute, or at about the time of an occurrence.
    near = st.sampled_from(minutes_of(timespec)[2:])
    up = draw(near | st.integers(1, 4 * 24 * 60 - 5).map(lambda minutes: START + minutes * MINUTE))
    up += timedelta(seconds=draw(st.sampled_from([0, 0, 1, 40, 60, 61, 62, 100])))
    return Case(
        timespec,
        draw(st.sampled_from(WINDOWS)),
        timedelta(seconds=draw(st.sampled_from([0, 599, 1_500, 4_000, 13_000, 40_000]))),
        draw(st.sampled_from(list(Misfire))),
        draw(st.sampled_from([0, 600_000])),
        max(START, up - draw(st.integers(1, 36 * 60)) * MINUTE),
        min(up, END),
    )


def raised(records: list[Record]) -> list[datetime]:
    return [each.due for each in records if each.outcome not in (Outcome.SKIPPED, Outcome.THROTTLED)]


@settings(max_examples=150, deadline=None)
@given(cases())
@pytest.mark.slow
def test_an_outage_adds_no_fire_and_costs_none_that_is_on_time(case: Case) -> None:
    always, outage = case.lived(outage=False), case.lived(outage=True)
    assert raised(always) == case.wanted
    assert {*raised(outage)} <= {*raised(always)}
    assert raised(outage) == case.wanted_with_the_outage
    for records in (always, outage):  # each occurrence is accounted for once, though the last may lie ahead
        assert sum(each.stands_for for each in records) == len(case.dues)


def test_rows_that_were_missed_together_share_the_answer_while_the_clock_goes_on() -> None:
    due, terms = START, Terms(Misfire.ONCE, GRANULARITY, timedelta(minutes=10))
    row = replace(Scheduled("r1", "p", "r", "d", "t", {}, "repeat", due, START), timespec="* * * * *")
    back = START + timedelta(hours=6, seconds=1)
    _last_in_time.cache_clear()
    found = [dealt_with(row, due, back, back + n * timedelta(milliseconds=7), terms).row for n in range(50)]
    assert _last_in_time.cache_info().misses == 1
    assert {each.spaced_from for each in found} == {START + timedelta(hours=6)}
