"""The timeline's lanes: every fire is in a mark, marks are bounded, what is left out is told."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise, takewhile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picosched.schedule.coming import coming
from picosched.schedule.scheduled import Scheduled, Status, next_due
from picosched.timespec.timespec import Timespec
from picosched.web.console.lanes import (
    COUNTED,
    LEAST_TRACKS,
    MOST_MARKS,
    MOST_TRACKS,
    SPANS,
    Axis,
    Track,
    draw,
)

NOW = datetime(2026, 3, 1, 10, 7, 30, tzinfo=UTC)


def row(timespec: str | None = None, *, now: datetime = NOW, id: str = "a", **changes: object) -> Scheduled:
    due = now + timedelta(hours=2) if timespec is None else next_due(Timespec.parse(timespec), now, 1)
    made = Scheduled(
        id=id,
        pico_id="p",
        rid="r",
        domain="d",
        type="t",
        attrs={},
        kind="at" if timespec is None else "repeat",
        due=due,
        created=now,
        timespec=timespec,
    )
    return replace(made, **changes)  # type: ignore[arg-type]


def track(scheduled: Scheduled, span: str = "day", now: datetime = NOW) -> Track:
    picture = draw([scheduled], Axis.of(span, now), 1)
    return picture.lanes[0].tracks[0]


CRON = st.sampled_from(
    [
        "*/15 * * * *",
        "0 9 * * *",
        "0,30 9-17 * * 1-5",
        "7 */3 * * *",
        "59 23 28-31 * *",
        "0 0 1 */3 *",
        "*/2 8 * * *",
        "*/7 * * * *",
    ]
)


@pytest.mark.slow
@settings(max_examples=60, deadline=None)
@given(CRON, st.sampled_from([*SPANS]), st.datetimes(datetime(2026, 1, 1), datetime(2028, 1, 1)))
def test_marks_hold_every_fire_and_no_other(timespec: str, span: str, start: datetime) -> None:
    now = start.replace(microsecond=0, tzinfo=UTC)
    axis, scheduled = Axis.of(span, now), row(timespec, now=now)
    fires = [*takewhile(lambda time: time < axis.end, coming(scheduled, 1))]
    found = track(scheduled, span, now)
    if len(fires) <= COUNTED:
        assert found.count == len(fires) and not found.more
    else:
        assert COUNTED <= found.count <= len(fires) and found.more
    marks = found.marks
    assert all(one.last < other.first for one, other in pairwise(marks))
    for mark in marks:
        inside = [time for time in fires if mark.first <= time <= mark.last]
        assert inside and inside[0] == mark.first and inside[-1] == mark.last
        assert mark.more or mark.count == len(inside)
    assert sum(any(mark.first <= time <= mark.last for mark in marks) for time in fires) == len(fires)


def test_the_axis_begins_with_the_slot_of_now_and_holds_all_of_the_time() -> None:
    for span, length in (("day", 1), ("week", 7), ("year", 365)):
        axis = Axis.of(span, NOW)
        assert axis.start <= NOW < axis.start + axis.slot
        assert axis.end >= NOW + timedelta(days=length)
        assert Axis.of(span, axis.start) == axis, "the picture stands still within a slot"


def test_what_repeats_so_many_times_has_no_more_marks() -> None:
    assert track(row("*/5 * * * *", count=3)).count == 3
    assert track(row("* * * * *", count=900)).count == 900


def test_what_ends_has_no_marks_behind_its_end() -> None:
    end = NOW + timedelta(hours=5)
    (mark,) = track(row("* * * * *", until=end)).marks
    assert mark.last <= end and mark.count == 300


def test_a_paused_row_has_a_track_without_marks() -> None:
    assert track(row("0 * * * *", status=Status.PAUSED)).marks == ()


def test_what_is_overdue_stands_at_the_beginning() -> None:
    (mark,) = track(row(due=NOW - timedelta(days=2))).marks
    assert mark.count == 1


def test_rows_too_many_for_a_lane_share_a_track_and_lanes_too_many_are_counted() -> None:
    several = [row(id=str(number)) for number in range(MOST_TRACKS + 10)]
    (lane,) = draw(several, Axis.of("day", NOW), 1).lanes
    assert len(lane.tracks) == MOST_TRACKS
    assert sum(each.of for each in lane.tracks) == len(several)
    assert lane.tracks[-1].count == 11
    many = [
        row(id=f"{pico} {number}", pico_id=f"p{pico:02}")
        for pico in range(MOST_TRACKS)
        for number in range(10)
    ]
    picture = draw(many, Axis.of("day", NOW), 1)
    drawn = sum(each.of for lane in picture.lanes for each in lane.tracks)
    assert max(len(lane.tracks) for lane in picture.lanes) == LEAST_TRACKS
    assert drawn + picture.undrawn == len(many) and picture.undrawn > 0


def test_a_lane_stands_where_its_soonest_row_does() -> None:
    rows = [
        row(id="1", rid="late", due=NOW + timedelta(hours=1)),
        row(id="2", rid="early", due=NOW + timedelta(hours=2)),
        row(id="3", rid="late", due=NOW + timedelta(hours=3)),
    ]
    assert [lane.rid for lane in draw(rows, Axis.of("day", NOW), 1).lanes] == ["late", "early"]


@pytest.mark.parametrize("span", SPANS)
@pytest.mark.slow
def test_marks_are_few_however_much_there_is(span: str) -> None:
    rows = [row(f"{minute} */2 * * *", id=str(minute)) for minute in range(MOST_TRACKS)]
    picture = draw(rows, Axis.of(span, NOW), 1)
    assert sum(len(each.marks) for lane in picture.lanes for each in lane.tracks) <= MOST_MARKS


def test_times_of_a_coarse_granularity_are_not_counted_oftener_than_they_come() -> None:
    scheduled = row("* * * * * *")
    (lane,) = draw([scheduled], Axis.of("day", NOW), 60).lanes
    assert lane.tracks[0].count <= 24 * 60 + 15
