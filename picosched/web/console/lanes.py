"""The data of the timeline: the coming day, week or year as lanes of marks.

A lane is one ruleset of one pico, a track one scheduled event. Time is divided into slots, starting with
the current one, so a picture is stable until the next slot begins. Fires in consecutive slots form one mark
with their count: a single fire is a mark at its time, others span from first to last. Rows, tracks, steps
of a schedule and marks are all limited, and the page says what is omitted.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import groupby, islice

from picosched.clock import EPOCH
from picosched.schedule.coming import coming, coming_raised
from picosched.schedule.filter import Filter
from picosched.schedule.scheduled import Scheduled
from picosched.schedule.window import Unset, Window
from picosched.timespec.timespec import Timespec

MOST_ROWS = 300
"""Scheduled events read, soonest first."""

MOST_TRACKS = 48
LEAST_TRACKS = 4
"""Tracks each lane gets even if there are many lanes; further events share the last track."""

MOST_MARKS = 400
STEPS = 200
"""Next times computed one by one; more frequent schedules are counted per slot, if they have no window."""

COUNTED = 20_000
"""Fires of a schedule are counted up to this number: more than a day has at every fifth second."""

MOST_COUNTED = 60_000
"""Fires counted in a picture, of those that are too many to compute one by one."""

MOST_UNFOLDED = 120
"""Tracks of a lane that the reader has unfolded."""

INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class Axis:
    """A span of time: `slots` of equal length from `start`."""

    start: datetime
    slot: timedelta
    slots: int

    @classmethod
    def of(cls, span: str, now: datetime) -> Axis:
        """The axis of the coming "day", "week" or "year"."""
        slot, slots = SPANS[span]
        return cls(now - (now - EPOCH) % slot, slot, slots)

    @property
    def end(self) -> datetime:
        return self.start + self.slot * self.slots

    def part(self, time: datetime) -> float:
        """The position of a time on the axis: 0 at its start, 1 at its end."""
        return (time - self.start) / (self.slot * self.slots)

    def at(self, slot: int) -> datetime:
        return self.start + self.slot * slot


SPANS = {
    "day": (timedelta(minutes=15), 97),
    "week": (timedelta(hours=2), 85),
    "year": (timedelta(days=3), 123),
}
"""The length of a slot and their number: one more than the span has, because now is somewhere in the
first."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Fires shown as one: their count, and the times of the first and the last."""

    first: datetime
    last: datetime
    count: int
    more: bool = False
    """Whether there are more fires than counted."""


@dataclass(frozen=True, slots=True)
class Track:
    """One scheduled event, or, if `of` is more than one, several of a lane, showing only their next times."""

    row: Scheduled
    marks: tuple[Mark, ...]
    of: int = 1
    unfolded: bool = False
    """Whether it is the first of a lane that the reader has unfolded."""

    @property
    def count(self) -> int:
        return sum(mark.count for mark in self.marks)

    @property
    def more(self) -> bool:
        return any(mark.more for mark in self.marks)


@dataclass(frozen=True, slots=True)
class Lane:
    """The pending events of one ruleset of a pico."""

    pico_id: str
    rid: str
    tracks: tuple[Track, ...]


@dataclass(frozen=True, slots=True)
class Picture:
    """The lanes, soonest first, and the number of rows omitted because there are too many to draw."""

    axis: Axis
    lanes: tuple[Lane, ...]
    undrawn: int = 0


Slots = dict[int, Mark]
"""Maps slots to the fires in them."""

Windows = Mapping[str, Window | Unset | None]
"""Maps ids of rows to their windows."""
NOWHERE: Windows = {}


def wanted(which: Filter, axis: Axis) -> Filter:
    """The filter of rows that may have a mark on an axis."""
    return replace(which, until=axis.end)


def draw(
    rows: Sequence[Scheduled],
    axis: Axis,
    granularity: int,
    unfolded: tuple[str, str] | None = None,
    windows: Windows = NOWHERE,
) -> Picture:
    """The picture of rows, given soonest first; `unfolded` is the pico and rid of a lane to draw whole.

    `windows` has those of rows that are tied to one.
    """
    lanes: list[Lane] = []
    left, undrawn, uncounted = MOST_TRACKS, 0, MOST_COUNTED
    order = {_lane_of(row): None for row in rows}  # lanes are ordered by their soonest row
    groups = {
        lane: [*group] for lane, group in groupby(sorted(rows, key=lambda row: _lane_of(row)), key=_lane_of)
    }
    for lane in order:
        group = sorted(groups[lane], key=lambda row: row.due or axis.end)
        usual = min(left, max(LEAST_TRACKS, MOST_TRACKS // len(order)))
        room = MOST_UNFOLDED if lane == unfolded else usual
        if room == 0:
            undrawn += len(group)
            continue
        single = group if len(group) <= room else group[: room - 1]
        tracks: list[Track] = []
        for row in single:
            slots = slots_of_row(row, axis, granularity, uncounted, windows.get(row.id))
            marks = tuple(_joined(slots, axis))
            tracks.append(Track(row, marks, unfolded=lane == unfolded and not tracks))
            uncounted -= max(0, tracks[-1].count - STEPS)
        rest = group[len(single) :]
        if rest:
            coming_first = (next(_times(row, axis, granularity, windows.get(row.id)), None) for row in rest)
            dues = (due for due in coming_first if due is not None)
            tracks.append(Track(rest[0], tuple(_joined(slots_of(dues, axis), axis)), len(rest)))
        left = max(0, left - min(len(tracks), usual))
        lanes.append(Lane(*lane, tuple(tracks)))
    return Picture(axis, tuple(_bounded(lanes, axis)), undrawn)


def _lane_of(row: Scheduled) -> tuple[str, str]:
    return row.pico_id, row.rid


def slots_of_row(
    row: Scheduled,
    axis: Axis,
    granularity: int,
    most: int = COUNTED,
    window: Window | Unset | None = None,
) -> Slots:
    """The fires of a row by slot, counting up to `most` of them if they are too many to step through.

    Of one with a window so many are stepped through; the last mark says if there are more.
    """
    most = min(COUNTED, max(STEPS, most))
    many = STEPS if window is None else most
    steps = [*islice(_times(row, axis, granularity, window), many)]
    inside = [time for time in steps if time < axis.end]
    if window is not None:
        slots = slots_of(inside, axis)
        return more_after(slots, axis) if len(inside) == many else slots
    dense = len(inside) == STEPS and row.timespec is not None and row.kind == "repeat"
    return _counted(row, steps[0], axis, granularity, most) if dense else slots_of(inside, axis)


def _times(row: Scheduled, axis: Axis, granularity: int, window: Window | Unset | None) -> Iterator[datetime]:
    if window is None:
        return coming(row, granularity)
    return coming_raised(row, granularity, window, timedelta(), axis.end)


def more_after(slots: Slots, axis: Axis) -> Slots:
    """The same, with a last mark that says that what comes after it is not known."""
    last = max(slots)
    return {**slots, last: Mark(slots[last].first, axis.end, slots[last].count, True)}


def slots_of(times: Iterator[datetime] | Sequence[datetime], axis: Axis) -> Slots:
    slots: Slots = {}
    for time in times:
        slot = max(0, (time - axis.start) // axis.slot)  # overdue fires are shown at the beginning
        before = slots.get(slot)
        slots[slot] = Mark(time, time, 1) if before is None else _together(before, Mark(time, time, 1))
    return slots


def _counted(row: Scheduled, since: datetime, axis: Axis, granularity: int, counted_to: int) -> Slots:
    """The slots of a repeat that fires too often to step through: its next time, then its timespec's
    times."""
    timespec = row.repeats
    assert timespec is not None
    end = axis.end if row.until is None else min(axis.end, row.until)
    most = axis.slot // timedelta(seconds=granularity)
    slots: Slots = {}
    counted, slot = 0, max(0, (since - axis.start) // axis.slot)
    left = counted_to if row.count is None else min(counted_to, row.count - row.fires)
    while slot < axis.slots and (counted < left or left == counted_to):
        start, over = max(axis.at(slot), since), min(axis.at(slot + 1), end)
        first = next(timespec.between(start, end), None)
        if first is None:
            break
        if first >= over:
            slot = (first - axis.start) // axis.slot
            continue
        room = max(0, left - counted - 1)
        others = _count(timespec, first, over - INSTANT, min(most - 1, room + 1)) if room else 0
        counted += 1 + min(others, room)
        more = left == counted_to and (not room or others > room)
        slots[slot] = Mark(first, timespec.before(over) or first, 1 + min(others, room), more)
        slot += 1
    return slots


@lru_cache(maxsize=20_000)
def _count(timespec: Timespec, after: datetime, until: datetime, most: int) -> int:
    """A redrawn picture has the same slots, but for the first and the last."""
    return timespec.count(after, until, most)


def joined(slots: Slots, axis: Axis) -> tuple[Mark, ...]:
    """One mark for each run of consecutive slots."""
    return tuple(_joined(slots, axis))


def _joined(slots: Slots, axis: Axis) -> Iterator[Mark]:
    """One mark for each run of consecutive slots."""
    run: Mark | None = None
    before = -2
    for slot in sorted(slots):
        if run is not None and slot == before + 1:
            run = _together(run, slots[slot])
        else:
            if run is not None:
                yield run
            run = slots[slot]
        before = slot
    if run is not None:
        yield run


def _together(one: Mark, other: Mark) -> Mark:
    return Mark(one.first, max(one.last, other.last), one.count + other.count, one.more or other.more)


def _bounded(lanes: list[Lane], axis: Axis) -> list[Lane]:
    """The lanes with at most `MOST_MARKS` marks: slots are doubled until that holds."""
    while sum(len(track.marks) for lane in lanes for track in lane.tracks) > MOST_MARKS and axis.slots > 8:
        axis = Axis(axis.start, axis.slot * 2, -(-axis.slots // 2))
        lanes = [
            replace(lane, tracks=tuple(_coarser(track, axis) for track in lane.tracks)) for lane in lanes
        ]
    return lanes


def _coarser(track: Track, axis: Axis) -> Track:
    marks: list[Mark] = []
    for mark in track.marks:
        near = (
            marks and (mark.first - axis.start) // axis.slot <= (marks[-1].last - axis.start) // axis.slot + 1
        )
        if near:
            marks[-1] = _together(marks[-1], mark)
        else:
            marks.append(mark)
    return replace(track, marks=tuple(marks))
