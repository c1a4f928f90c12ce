"""The times of recurrence rules.

A rule of days, weeks, months or years is a set of days (`rrule_days`), and on each of them the same times. An
interval is a cycle (`anchored`). BYSETPOS chooses among the times of a period; where it chooses different
times on different days, there are several boxes.

A rule of hours, minutes or seconds whose interval divides a day is a box as well. Any other counts elapsed
time from its start (`Every`).

COUNT becomes the last time, which is found by halving, since the times up to any moment can be counted. So a
rule costs the same however often it fires.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import replace
from datetime import date, datetime
from math import lcm

from picosched.errors import PicoschedError
from picosched.timespec.anchored import DAY as BY_DAY
from picosched.timespec.anchored import MONTH, WEEK, YEAR, Anchored, Cycle
from picosched.timespec.bits import (
    ALL_HOURS,
    ALL_MINUTES,
    ALL_MINUTES_OF_DAY,
    ALL_SECONDS,
    bits,
    lowest,
    members,
    spread,
)
from picosched.timespec.cron import minutes_of_day
from picosched.timespec.days import ALWAYS, DAY, LAST_DAY, Days, of_range
from picosched.timespec.instants import Fires, fire_from
from picosched.timespec.instants import second_of as instant_second
from picosched.timespec.rrule import (
    DAILY,
    HOURLY,
    MINUTELY,
    MONTHLY,
    SECONDLY,
    WEEKLY,
    YEARLY,
    Recurrence,
    Rule,
)
from picosched.timespec.rrule_days import days_of
from picosched.timespec.start import local_time, second_of
from picosched.timespec.times import WHOLE, Every, Part, Times, both, union, without
from picosched.timespec.wall import WallTimes

FIRST = datetime(1970, 1, 1)
"""From here is counted without a start."""

MOST_WALKED = 5_000
"""COUNT of what has to be counted one by one."""

_SECONDS = {SECONDLY: 1, MINUTELY: 60, HOURLY: 3_600}
_UNITS = {DAILY: BY_DAY, WEEKLY: WEEK, MONTHLY: MONTH, YEARLY: YEAR}
_LAST_SECOND = (LAST_DAY + 1) * DAY - 1


def times_of(recurrence: Recurrence, tz: str, utc: bool) -> Times:
    """The times of all rules, with those added and without those taken away."""
    start = recurrence.start or FIRST
    found: Times = union(
        part
        for rule in recurrence.rules
        for part in _of_rule(rule, start, tz, utc, bounded=recurrence.start is not None)
    )
    moments = [*recurrence.added, *([] if recurrence.rules else [start])]
    found = union([*found, *map(_moment, moments)])
    taken = union(_moment(each.time, each.whole_day) for each in recurrence.taken)
    found = without(found, taken, utc) if taken else found
    return tuple(_fixed(part) for part in found) if utc else found


def _fixed(part: Part) -> Part:
    """In UTC, where no clock is changed, all boxes go by fixed times."""
    return replace(part, elapsed=False) if isinstance(part, WallTimes) else part


def given(rule: Rule, start: datetime) -> Rule:
    """The rule with what it does not say taken from its start."""
    dates, frequency = rule.dates, rule.frequency
    if not (dates.week_numbers or dates.year_days or dates.month_days or dates.weekdays):
        if frequency == YEARLY:
            months = dates.months or (start.month,)
            dates = dates._replace(months=months, month_days=(start.day,))
        elif frequency == MONTHLY:
            dates = dates._replace(month_days=(start.day,))
        elif frequency == WEEKLY:
            dates = dates._replace(weekdays=((0, start.isoweekday() % 7),))
    return replace(
        rule,
        dates=dates,
        hours=rule.hours or ((start.hour,) if frequency > HOURLY else ()),
        minutes=rule.minutes or ((start.minute,) if frequency > MINUTELY else ()),
        seconds=rule.seconds or ((start.second,) if frequency > SECONDLY else ()),
    )


def _of_rule(rule: Rule, start: datetime, tz: str, utc: bool, *, bounded: bool) -> Times:
    rule = given(rule, start)
    found = _by_day(rule, start) if rule.frequency >= DAILY else _within_day(rule, start)
    if bounded or rule.count is not None:
        found = _since(found, second_of(start), utc)
    if rule.count is not None:
        found = _first(found, rule.count, second_of(start), tz, utc)
    return found if rule.until is None else _until(found, second_of(rule.until), utc)


# Days, and times of the day


def _by_day(rule: Rule, start: datetime) -> Times:
    minutes = minutes_of_day(bits(rule.hours), bits(rule.minutes))
    seconds = bits(rule.seconds)
    cycles: tuple[Cycle, ...] = ()
    if rule.interval > 1:
        unit, first = _UNITS[rule.frequency], start.toordinal() - 1
        cycles = (Cycle.every(unit, rule.interval, first, rule.dates.week_start),)
    if not rule.dates.positions:
        return _boxes([(days_of(rule.dates), minutes, seconds)], cycles)
    each_second, times = seconds.bit_count(), minutes.bit_count() * seconds.bit_count()
    of_minute, of_second = [*members(minutes)], [*members(seconds)]
    chosen: defaultdict[int, set[int]] = defaultdict(set)
    for position in rule.dates.positions:
        day, time = divmod(position - (position > 0), times)
        chosen[time].add(day)
    boxes = []
    for time, places in chosen.items():
        days = days_of(rule.dates._replace(positions=tuple(sorted(places))))
        minute, second = divmod(time, each_second)
        boxes.append((days, 1 << of_minute[minute], 1 << of_second[second]))
    return _boxes(boxes, cycles)


def _boxes(boxes: Iterable[tuple[Days, int, int]], cycles: tuple[Cycle, ...]) -> Times:
    return union(
        WallTimes(counted, minutes, seconds)
        for days, minutes, seconds in boxes
        if (counted := Anchored(days, cycles) if cycles else days)
    )


def _within_day(rule: Rule, start: datetime) -> Times:
    """The times of a rule of hours, minutes or seconds."""
    days = days_of(rule.dates._replace(positions=()))
    minutes = minutes_of_day(
        bits(rule.hours) or ALL_HOURS, bits(rule.minutes) if rule.minutes else ALL_MINUTES
    )
    seconds = bits(rule.seconds) if rule.seconds else ALL_SECONDS
    if not days:
        return ()
    whole = WallTimes(days, ALL_MINUTES_OF_DAY, ALL_SECONDS, elapsed=True)
    chosen: Times = (WallTimes(ALWAYS, minutes, seconds, elapsed=True),)
    limited = both(_chosen_within(rule) if rule.dates.positions else chosen, (whole,), True)
    unit = _SECONDS[rule.frequency]
    step, first = rule.interval * unit, second_of(start) // unit * unit
    if DAY % step == 0:
        return both(limited, _grid(first % DAY, step, unit), True)
    return _counted(rule, limited, first, second_of(start), step)


def _chosen_within(rule: Rule) -> Times:
    """What BYSETPOS chooses of the times of an hour or a minute, in the hours or minutes of the rule."""
    minutes, seconds = sorted(rule.minutes), sorted(rule.seconds)
    hours = bits(rule.hours) or ALL_HOURS
    if rule.frequency == HOURLY:
        candidates = [(minute, second) for minute in minutes for second in seconds]
    elif rule.frequency == MINUTELY:
        candidates = [(-1, second) for second in seconds]
    else:
        candidates = [(-1, -1)]
    places = {place - (place > 0) for place in rule.dates.positions}
    chosen = {candidates[n] for n in places if -len(candidates) <= n < len(candidates)}
    all_minutes = bits(minutes) if minutes else ALL_MINUTES
    all_seconds = bits(seconds) if seconds else ALL_SECONDS
    return union(
        WallTimes(
            ALWAYS,
            minutes_of_day(hours, all_minutes if minute < 0 else 1 << minute),
            all_seconds if second < 0 else 1 << second,
            elapsed=True,
        )
        for minute, second in sorted(chosen)
    )


def _grid(first: int, step: int, unit: int) -> Times:
    """Every `step` seconds of the day, counted from the second `first`, a unit long."""
    if unit > 1:
        minutes = spread(first % step // 60, step // 60, 1440)
        if unit > 60:
            minutes = minutes_of_day(bits(minute // 60 for minute in members(minutes)), ALL_MINUTES)
        return (WallTimes(ALWAYS, minutes, ALL_SECONDS, elapsed=True),)
    if 60 % step == 0:
        return (WallTimes(ALWAYS, ALL_MINUTES_OF_DAY, spread(first % step, step, 60), elapsed=True),)
    turn = lcm(step, 60)
    return union(
        WallTimes(ALWAYS, spread(time // 60, turn // 60, 1440), 1 << time % 60, elapsed=True)
        for time in range(first % step, turn, step)
    )


def _counted(rule: Rule, limited: Times, first: int, start: int, step: int) -> Times:
    """What is counted in elapsed time: each time of an hour or a minute by itself."""
    found: list[Part] = []
    for box in limited:
        assert isinstance(box, WallTimes)
        offsets, filtered = [0], box
        if rule.frequency == HOURLY:
            hours = bits(minute // 60 for minute in members(box.minutes))
            within = bits(minute % 60 for minute in members(box.minutes))
            offsets = [60 * minute + second for minute in members(within) for second in members(box.seconds)]
            filtered = replace(box, minutes=minutes_of_day(hours, ALL_MINUTES), seconds=ALL_SECONDS)
        elif rule.frequency == MINUTELY:
            offsets, filtered = [*members(box.seconds)], replace(box, seconds=ALL_SECONDS)
        for offset in offsets:
            at = first + offset
            every = Every(step, start=at if at >= start else at + step)
            found.append(every if filtered == WHOLE else replace(every, box=filtered))
            if len(found) > 64:
                raise PicoschedError(
                    f"found {rule.text}, wanted fewer times in an hour with an INTERVAL that does not "
                    "divide a day",
                    "invalid",
                )
    return tuple(found)


# Cutting


def _since(times: Times, start: int, utc: bool) -> Times:
    day, second = divmod(start, DAY)
    found: list[Part] = []
    for part in times:
        if not isinstance(part, WallTimes):
            found.append(part)
        elif 60 * lowest(part.minutes) + lowest(part.seconds) >= second:
            days = part.days & Anchored(ALWAYS, (), day)
            found += [WallTimes(days, part.minutes, part.seconds, part.elapsed)] if days else []
        else:
            found += both((part,), _after_on_day(day, second), utc)
    return union(found)


def _after_on_day(day: int, second: int) -> Times:
    minute, within = divmod(second, 60)
    boxes = (
        (Anchored(ALWAYS, (), day + 1), ALL_MINUTES_OF_DAY, ALL_SECONDS),
        (_only(day), ALL_MINUTES_OF_DAY >> (minute + 1) << (minute + 1), ALL_SECONDS),
        (_only(day), 1 << minute, ALL_SECONDS >> within << within),
    )
    return tuple(WallTimes(*box, elapsed=True) for box in boxes if all(box))


def _until(times: Times, until: int, utc: bool) -> Times:
    day, second = divmod(until, DAY)
    minute, within = divmod(second, 60)
    boxes = (
        (Anchored(ALWAYS, (), 0, day - 1), ALL_MINUTES_OF_DAY, ALL_SECONDS),
        (_only(day), (1 << minute) - 1, ALL_SECONDS),
        (_only(day), 1 << minute, (2 << within) - 1),
    )
    return both(times, tuple(WallTimes(*box, elapsed=True) for box in boxes if all(box)), utc)


def _only(day: int) -> Days:
    at = date.fromordinal(day + 1)
    return of_range(at, at)


def _moment(time: datetime, whole_day: bool = False) -> WallTimes:
    day = _only(time.toordinal() - 1)
    if whole_day:
        return WallTimes(day, ALL_MINUTES_OF_DAY, ALL_SECONDS)
    return WallTimes(day, 1 << 60 * time.hour + time.minute, 1 << time.second)


# COUNT


def _first(times: Times, count: int, start: int, tz: str, utc: bool) -> Times:
    """The first `count` of times none of which is before `start`."""
    only = times[0] if len(times) == 1 else None
    if isinstance(only, Every) and only.box is WHOLE:
        return (replace(only, steps=count),)
    if all(isinstance(part, WallTimes) and not _counts(part.days) for part in times):
        low, high = start, _LAST_SECOND
        while low < high:
            middle = (low + high) // 2
            low, high = (low, middle) if _how_many(times, middle) >= count else (middle + 1, high)
        return _until(times, low, utc)
    most = MOST_WALKED // max(len(times), 1)
    if count > most:
        raise PicoschedError(
            f"found COUNT={count} beside INTERVAL, wanted at most {most:,}, or UNTIL", "invalid"
        )
    local = "UTC" if all(isinstance(part, WallTimes) for part in times) else tz
    fires, at, last = Fires(times, local), 0, None
    for _ in range(count):
        fire = fire_from.__wrapped__(fires, at)
        if fire is None:
            return times
        last, at = fire, instant_second(fire)[0] + 1
    return times if last is None else _until(times, second_of(local_time(last, local)), utc)


def _counts(days: Days) -> bool:
    return isinstance(days, Anchored) and bool(days.cycles)


def _how_many(times: Times, until: int) -> int:
    """How many times there are up to a local second, in boxes without a time in common."""
    day, second = divmod(until, DAY)
    minute, within = divmod(second, 60)
    found = 0
    for part in times:
        assert isinstance(part, WallTimes)
        found += part.days.how_many(day - 1) * part.minutes.bit_count() * part.seconds.bit_count()
        if part.days.first_from(day) == day:
            found += (part.minutes & (1 << minute) - 1).bit_count() * part.seconds.bit_count()
            found += (part.minutes >> minute & 1) * (part.seconds & (2 << within) - 1).bit_count()
    return found
