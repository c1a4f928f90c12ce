"""Timespecs: recurring sets of times.

It is a set of local times (`times`) in a zone (`zone`), read from text (`algebra`, and from there `cron`,
`duration`, `phrases`, `maps`, `dates`) and told in words (`words`). It is immutable and pure: it has no
clock, and steps from any time to the next or the last (`instants`).

**Days.** When day of month and day of week of a cron text are both restricted, a day matches if either
does; when one of the two fields starts with `*` (`*/2` as well), both must match: the rule of Vixie cron.

**Clock changes**, as Vixie and Debian cron have them:

* Times of which the minute, the hour or the second starts with `*` go by elapsed time: they fire at
  every instant whose local time matches. An hour that is skipped has none, one that is repeated has
  them twice, and "every ten minutes" stays every ten minutes.
* All others are fixed times. They go by a local clock that is never turned back, and fire when it
  first shows their time or a later one: a time that is skipped fires at the first instant after the
  gap, once however many fall into it, and a time that is repeated fires in the first pass only.

The algebra is that of local times; the rule is applied to what is left, to each part as it was meant.

Times are aware datetimes, taken in any zone and given in UTC, on whole seconds, in the years 1 to 9999.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, lru_cache
from itertools import islice
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from picosched.clock import EPOCH
from picosched.errors import PicoschedError
from picosched.timespec.algebra import read
from picosched.timespec.almanac import PLAIN, Almanac, Consulted
from picosched.timespec.calendar import Calendar
from picosched.timespec.instants import EPOCH as EPOCH_SECOND
from picosched.timespec.instants import Fires, count_fires, fire_from, fire_until, second_of
from picosched.timespec.place import shown
from picosched.timespec.start import Start, local_time
from picosched.timespec.sun import Sun
from picosched.timespec.terms import Term
from picosched.timespec.times import WHOLE, Part, Times, same
from picosched.timespec.wall import WallTimes
from picosched.timespec.zone import LAST_SECOND, check_zone, is_utc

MAX_LENGTH = 4_096

_FEW_YEARS = 200


class FreeDay(NamedTuple):
    """A local day that a calendar leaves out, and its name there."""

    day: date
    why: str

    def as_json(self) -> dict[str, str]:
        """Both as texts."""
        return {"day": str(self.day), "why": self.why}

    def __str__(self) -> str:
        return f"{self.day:%a} {self.day}: {self.why}"


@dataclass(frozen=True, eq=False)
class Timespec:
    """Recurring times: `text` in normal form, in the zone `tz`.

    Two are equal when they are of one zone and fire at the same times. `|`, `&` and `-` unite and intersect
    the times of two of one zone, and take those of one from those of the other. Make one with `parse`.
    """

    text: str
    tz: str
    _term: Term = field(repr=False)
    _fires: Fires = field(repr=False)
    almanac: Almanac = field(repr=False, default=PLAIN)
    """What it was read with."""
    calendars: tuple[Calendar, ...] = field(repr=False, default=())
    """The calendars that it names."""
    plain_business_days: bool = field(repr=False, default=False)
    """Whether it names business days that go by no calendar."""

    @classmethod
    def parse(cls, text: str | Mapping[str, Any], tz: str = "UTC", almanac: Almanac = PLAIN) -> Timespec:
        """The timespec that a text writes, or a map of parts, in the zone of that name.

        One that counts days, weeks or months without a start counts from 1970-01-01 (see `starting`).
        Raises PicoschedError `invalid` if it is invalid or never fires, with the part and the column, and
        for an unknown zone; `not_found` for a calendar or a place that the almanac does not have; `refused`
        for one that needs a package which is not installed.
        """
        if not isinstance(text, str):
            text = _as_json(text)
        if not isinstance(tz, str):
            raise PicoschedError(f"found {type(tz).__name__}, wanted the name of a time zone", "invalid")
        return _parse(text, tz, almanac)

    def starting(self, time: datetime, id: str = "") -> Timespec:
        """This, counting from `time` where it counts without a start: "every 3 days from …".

        `id` is that of what is scheduled, from which each `H` of cron text is drawn.
        """
        if not self._term.open:
            return self
        return _started(self.text, self.tz, self.almanac, Start(local_time(time, self.tz), id))

    @property
    def open(self) -> bool:
        """Whether it counts days, weeks or months without a start, or has an `H`."""
        return self._term.open

    def after(self, time: datetime) -> datetime | None:
        """The first fire after `time`, not at it; None when there is none."""
        second, _ = second_of(time)
        return fire_from(self._fires, second + 1)

    def following(self, time: datetime, most: int) -> list[datetime]:
        """The first fires after `time`, not at it: as many as `most`, fewer if it ends."""
        second, _ = second_of(time)
        return [*islice(self._from(second + 1, LAST_SECOND + 1), most)]

    def before(self, time: datetime) -> datetime | None:
        """The last fire before `time`, not at it; None when there is none."""
        second, beyond = second_of(time)
        return fire_until(self._fires, second if beyond else second - 1)

    def between(self, start: datetime, end: datetime) -> Iterator[datetime]:
        """The fires from `start` (inclusive) to `end` (exclusive), in order, computed lazily."""
        second, beyond = second_of(start)
        past, further = second_of(end)
        return self._from(second + beyond, past + further)

    def count(self, after: datetime, until: datetime, most: int) -> int:
        """How many fires are after `after` and up to `until`, counting up to `most`."""
        return count_fires(self._fires, second_of(after)[0] + 1, second_of(until)[0] + 1, most)

    def without(self, dates: Iterable[date | str | Timespec]) -> Timespec:
        """This without `dates`: days, texts as used after `except`, and timespecs of the same zone.

        A `datetime` without an offset is that one local time.
        """
        items = [*_ranges(sorted({each for each in dates if type(each) is date}))]
        for each in dates:
            if isinstance(each, Timespec):
                self._check_same_zone(each)
                items.append(f"({each.text})")
            elif isinstance(each, str):
                items.append(f"({each})")
            elif isinstance(each, datetime) and each.tzinfo is None:
                items.append(each.isoformat(timespec="seconds"))
            elif type(each) is not date:
                raise PicoschedError(
                    f"found {each!r} to be left out, wanted a date, a text, a local time or a Timespec",
                    "invalid",
                )
        if not items:
            return self
        return Timespec.parse(f"({self.text}) except {', '.join(items)}", self.tz, self.almanac)

    def explain(self) -> str:
        """In plain words, as "at 00:05 every day" or "every 10 minutes"; names the zone unless it is UTC."""
        return self._term.words() + ("" if self.tz == "UTC" else f", {self.tz} time")

    def rrule(self) -> str | None:
        """A recurrence rule of iCalendar, in lines, with the same times from 1970 on; None if there is none.

        DTSTART is among them where the rule counts from it; otherwise it fires from any.
        """
        lines = self._term.lines()
        return None if lines is None else lines.text(self.tz)

    def period(self) -> timedelta | None:
        """The least time between two consecutive fires; None when it can fire only once.

        For a timespec of one part it is worked out, and exact by the local clock: where a zone changes its
        clocks, two fires can come closer than that, by as much as the change. For a union of several, and
        for a duration or every n-th day limited to some days, it is the least in a walk of two thousand
        fires from 1970 on (or all from the first, if there are none after that); of four hundred or thirty
        years, if some go by the sun.
        """
        from picosched.timespec.gaps import smallest_gap  # late, as few ask

        gap = smallest_gap(self._fires)
        return None if gap is None else timedelta(seconds=gap)

    def left_out(self, after: datetime, until: datetime) -> Iterator[FreeDay]:
        """The days between two times that a calendar leaves out.

        They are local days, on which it would fire if its calendars were without days.
        """
        if self._blank is None:
            return
        zone = ZoneInfo(self._day_zone)
        first, last = (each.astimezone(zone).toordinal() - 1 for each in (after, until))
        for day in _days_of(self.calendars, first, last):
            start = max(after, _midnight(day, zone))
            fire = fire_from(self._blank, second_of(start)[0])
            if fire is None or fire > until or fire.astimezone(zone).toordinal() - 1 != day:
                continue
            if fire_from(self._fires, second_of(fire)[0]) != fire:
                names = [name for each in self.calendars if (name := each.name_of(day))]
                yield FreeDay(date.fromordinal(day + 1), ", ".join(dict.fromkeys(names)))

    def ending(self, now: datetime) -> str | None:
        """A sentence, if the data of a calendar that it names ends within a year or has ended."""
        found = (each.ending(now.date()) for each in self.calendars)
        return next((each for each in found if each), None)

    @property
    def _day_zone(self) -> str:
        """The zone of its days: times of the sun have those of their place."""
        zones = {part.location.zone if isinstance(part, Sun) else self.tz for part in self._fires.times}
        return zones.pop() if len(zones) == 1 else self.tz

    @cached_property
    def _blank(self) -> Fires | None:
        """Its fires if its calendars were without days; None if it names none, or would never fire."""
        if not self.calendars:
            return None
        try:
            times = read(self.text, self.tz, Consulted(self.almanac, blank=True)).times
        except PicoschedError:  # it is those days on which it fires
            return None
        return Fires(times, self.tz) if times else None

    @property
    def parts(self) -> int:
        """How many sets of times it is the union of."""
        return len(self._fires.times)

    @property
    def times(self) -> Times:
        """The sets of times it is the union of."""
        return self._fires.times

    def __or__(self, other: Timespec) -> Timespec:
        return self._combined("|", other)

    def __and__(self, other: Timespec) -> Timespec:
        return self._combined("&", other)

    def __sub__(self, other: Timespec) -> Timespec:
        return self._combined("except", other)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Timespec):
            return NotImplemented
        if self is other:
            return True
        return self.tz == other.tz and same(self._fires.times, other._fires.times, is_utc(self.tz))

    def __hash__(self) -> int:
        return self._hash

    def __reduce__(self) -> tuple[object, ...]:
        return Timespec.parse, (self.text, self.tz, self.almanac)

    def __str__(self) -> str:
        return self.text if self.tz == "UTC" else f"{self.text} ({self.tz})"

    @cached_property
    def _hash(self) -> int:
        return hash((self.tz, *islice(self.between(EPOCH, datetime.max.replace(tzinfo=UTC)), 3)))

    def _combined(self, operator: str, other: Timespec) -> Timespec:
        if not isinstance(other, Timespec):
            return NotImplemented
        self._check_same_zone(other)
        almanac = other.almanac if self.almanac is PLAIN else self.almanac
        return Timespec.parse(f"({self.text}) {operator} ({other.text})", self.tz, almanac)

    def _check_same_zone(self, other: Timespec) -> None:
        if self.tz != other.tz:
            raise PicoschedError(
                f"found timespecs in the zones {self.tz} and {other.tz}, wanted both in one", "invalid"
            )

    def _from(self, second: int, past: int) -> Iterator[datetime]:
        while second < past and (fire := fire_from(self._fires, second)) is not None:
            second = second_of(fire)[0] + 1
            if second <= past:
                yield fire


def _days_of(calendars: Sequence[Calendar], first: int, last: int) -> Iterator[int]:
    """The days of any of the calendars, from `first` to `last`, in order."""
    day: int | None = first
    while day is not None and day <= last:
        found = [each.days.first_from(day) for each in calendars]
        day = min((each for each in found if each is not None), default=None)
        if day is not None and day <= last:
            yield day
            day += 1


def _midnight(day: int, zone: ZoneInfo) -> datetime:
    return datetime.combine(date.fromordinal(day + 1), time.min, zone).astimezone(UTC)


@lru_cache(maxsize=8192)
def _parse(text: str, tz: str, almanac: Almanac) -> Timespec:
    if tz == "UTC" and "TZID" in text.upper():
        from picosched.timespec.rrule import zone_in

        tz = zone_in(text) or tz
    return _read(text, tz, almanac)


@lru_cache(maxsize=1024)
def _started(text: str, tz: str, almanac: Almanac, start: Start) -> Timespec:
    return _read(text, tz, almanac, start)


def _read(text: str, tz: str, almanac: Almanac, start: Start | None = None) -> Timespec:
    if len(text) > MAX_LENGTH:
        raise PicoschedError(
            f"found a timespec of {len(text)} characters, wanted at most {MAX_LENGTH}", "invalid"
        )
    consulted = Consulted(almanac)
    term = read(text, tz, consulted, start)
    check_zone(tz)
    fires = Fires(term.times, tz)
    calendars, plain = tuple(consulted.calendars.values()), consulted.plain_business_days
    found = Timespec(term.text, tz, term, fires, almanac, calendars, plain)
    if term.open:  # it may never fire counted from 1970, but from its start
        return found
    if not term.times:
        raise PicoschedError(
            f"timespec {shown(term.text)}: found no remaining time: it never fires", "invalid"
        )
    if _can_miss(fires) and not any(fire_from(fires, start) for start in (0, EPOCH_SECOND)):
        why = "its duration has none of its times"
        if isinstance(term.times[0], Sun):
            why = f"there is no {term.times[0].event} on its days"
        if isinstance(term.times[0], WallTimes):
            why = "the clocks there skip its times"
        raise PicoschedError(f"timespec {shown(term.text)} never fires in {tz}: {why}", "invalid")
    return found


def _can_miss(fires: Fires) -> bool:
    """Whether it may never fire despite having times: a clock change may skip them, a duration their days,
    and the sun may not rise on them."""

    def can_miss(part: Part) -> bool:
        if isinstance(part, WallTimes):
            return part.days.years.bit_count() < _FEW_YEARS
        return isinstance(part, Sun) or part.box is not WHOLE

    return all(map(can_miss, fires.times))


def _as_json(parts: object) -> str:
    if not isinstance(parts, Mapping):
        found = type(parts).__name__
        raise PicoschedError(f"found {found}, wanted the text of a timespec, or a map", "invalid")
    try:
        return json.dumps(dict(parts), ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as cause:
        raise PicoschedError(
            "found a map with invalid values, wanted numbers, texts and lists of them", "invalid"
        ) from cause


def _ranges(days: list[date]) -> Iterator[str]:
    """Days as dates, with three or more consecutive days as ranges."""
    first = 0
    for index, day in enumerate(days):
        if index + 1 == len(days) or days[index + 1] - day > timedelta(days=1):
            run = days[first : index + 1]
            yield from (f"{run[0]}..{run[-1]}",) if len(run) > 2 else map(str, run)
            first = index + 1
