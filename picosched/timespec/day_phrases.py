"""Days in plain words: `mondays`, `1st and last day`, `2nd last weekday`, `weekday nearest the 15th`.

Business days go by a calendar: that of the settings, or one that is named, `business days of "DE-BY"`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from picosched.timespec.almanac import Consulted
from picosched.timespec.bits import bits
from picosched.timespec.calendar import Calendar
from picosched.timespec.cron import WEEKDAY_NAMES
from picosched.timespec.fields import MonthDays, WeekDays
from picosched.timespec.place import Place
from picosched.timespec.tokens import WEEKDAY, Tokens

WEEK = {**WEEKDAY_NAMES, **{f"{name}s": number for name, number in WEEKDAY_NAMES.items()}}

MONDAY_TO_FRIDAY = WeekDays(0b0111110)
_GROUPS = {
    **dict.fromkeys("weekday weekdays workday workdays".split(), MONDAY_TO_FRIDAY),
    **dict.fromkeys("weekend weekends".split(), WeekDays(0b1000001)),
}
_WORKING = "weekday weekdays workday workdays working business monday-to-friday".split()
_NEAREST = ("nearest", "closest")
COUNTED = ("week", "month", "year", "hour", "minute", "second")
"""Units that no ordinal number goes with."""
_WANTED = "a time, days, months or years, as in every monday at 9:00 or last day of month"


def day_phrase(text: str, place: Place, consulted: Consulted) -> DayReader | None:
    """The days named by words such as `last weekday` or `2nd thursday`; None for other words."""
    first, *rest = text.lower().split() or [""]
    worded = first[:1].isalpha() or first[-2:] in ("st", "nd", "rd", "th")
    if not worded or not (rest or first in ("last", "first") or first in _GROUPS):
        return None
    tokens = Tokens(text, place)
    days = DayReader(tokens, consulted)
    days.read()
    if tokens.peek():
        raise tokens.fault("nothing more")
    days.settle_business_days()
    if days.month_days and days.week_days:
        raise place.fault(text, "days of the month or weekdays, not both in one part")
    return days


def _working(counted: Iterable[int]) -> MonthDays:
    """Days of Monday to Friday, counted from the start of the month or, below zero, from its end."""
    places = [*counted]
    return MonthDays(
        working=bits(n for n in places if n > 0), working_from_end=bits(-1 - n for n in places if n < 0)
    )


class DayReader:
    """Reads days from tokens; None means not given."""

    def __init__(self, tokens: Tokens, consulted: Consulted) -> None:
        self.tokens = tokens
        self.consulted = consulted
        self.month_days: MonthDays | None = None
        self.week_days: WeekDays | None = None
        self.says_business = False
        self.free_days = ""
        """The name or code of the calendar that the business days are said to go by."""
        self.free: Calendar | None = None
        """The calendar that they go by, once that is settled."""

    @property
    def any(self) -> bool:
        return self.month_days is not None or self.week_days is not None

    def read(self) -> None:
        """Days, with commas or "and" between them; what counts ("first and third") waits for its noun."""
        tokens = self.tokens
        waiting: list[int] = []
        while True:
            tokens.took("on")
            tokens.took("the", "every", "each")
            every = tokens.next > 0 and tokens.peek(-1) in ("every", "each")
            if (n := self.ordinal()) is not None:
                waiting += n
                if every and len(waiting) == 1:
                    self.check_counted(waiting[0])
                if self.noun(waiting):
                    waiting = []
            elif any(tokens.peek(ahead) in _NEAREST for ahead in range(3)):
                self.nearest()
            elif tokens.peek() in ("day", "days"):
                self.add(MonthDays(tokens.counted("day", 1, 31)))
            elif tokens.took("business"):
                self.business_days()
                self.add(WeekDays(business=True))
            elif tokens.peek() in _GROUPS:
                self.add(_GROUPS[tokens.took(tokens.peek())])
            elif tokens.peek() in WEEK:
                self.add(WeekDays(tokens.names(WEEK, WEEKDAY)))
            else:
                raise tokens.fault(_WANTED if not waiting else "a day")
            if not tokens.more(self.begins_day):
                break
        self.count_days(waiting)

    def begins_day(self, ahead: int) -> bool:
        tokens = self.tokens
        while tokens.peek(ahead) in ("the", "on", "every", "each"):
            ahead += 1
        word = tokens.peek(ahead)
        return (
            word in WEEK
            or word in _GROUPS
            or word in _WORKING
            or word in _NEAREST
            or word in ("last", "day", "days")
            or tokens.ordinal(ahead) is not None
        )

    def ordinal(self) -> list[int] | None:
        """`first`, `3rd to 5th`, `last` as -1, `2nd last` as -2; None if there is none."""
        tokens = self.tokens
        if tokens.took("last"):
            return [-1]
        n = tokens.ordinal()
        if n is None:
            return None
        if not 1 <= n <= 31:
            raise tokens.fault("1st to 31st")
        tokens.next += 1
        if tokens.took("last"):
            return [-n]
        if tokens.peek() in ("to", "-") and (last := tokens.ordinal(1)) is not None:
            tokens.next += 1
            if not n <= last <= 31:
                raise tokens.fault(f"{n + 1}th to 31st")
            tokens.next += 1
            return list(range(n, last + 1))
        return [n]

    def check_counted(self, n: int) -> None:
        """Refuse `every 3rd day`, which is one day of a month to some and every third day to others."""
        tokens, noun = self.tokens, self.tokens.peek()
        if n < 2 or tokens.peek(1) == "of":
            return
        if noun == "day" or noun in WEEK:
            counted = f"every {n} days" if noun == "day" else f"every {n} weeks on {noun}"
            month_day = f"on the {tokens.peek(-1)} {noun} of every month"
            raise tokens.fault(f'"{month_day}" or "{counted}", whichever it means', back=1)
        if noun in COUNTED:
            raise tokens.fault(f'"every {n} {noun}s"', back=1)

    def noun(self, counted: list[int]) -> bool:
        """What is counted, if it comes next: days, days of Monday to Friday, or a weekday."""
        tokens = self.tokens
        if tokens.took("day", "days", "date", "dates"):
            self.count_days(counted)
        elif tokens.took("business"):
            self.business_days()
            self.add(MonthDays(business=frozenset(counted)))
        elif tokens.peek() in _WORKING:
            tokens.next += 1
            tokens.took("day", "days")
            self.add(_working(counted))
        elif tokens.peek() in WEEK:
            weekdays = tokens.names(WEEK, WEEKDAY)
            if any(abs(n) > 5 for n in counted):
                raise tokens.fault("the 1st to the 5th of a weekday", back=2)
            self.add(
                WeekDays(nth=frozenset((day, n) for day in range(7) if weekdays >> day & 1 for n in counted))
            )
        else:
            return False
        return True

    def business_days(self) -> None:
        """`day` or `days` behind `business`, and perhaps `of` with the name of a calendar."""
        self.says_business = True
        self.tokens.word("day", "days")
        if self.tokens.peek() == "of" and self.tokens.kind(1) == "quoted":
            self.tokens.next += 1
            self.go_by()

    def go_by(self) -> None:
        """The name of the calendar that business days go by."""
        tokens = self.tokens
        name = tokens.quoted()
        if self.free_days not in ("", name):
            raise tokens.fault(f'"{self.free_days}", or no second calendar', back=1)
        self.free_days = name

    def settle_business_days(self) -> None:
        """Find the calendar of the business days. Without one they are Monday to Friday."""
        if not self.says_business:
            if self.free_days:
                raise self.tokens.fault("business days, to go by that calendar")
            return
        month, week = self.month_days or MonthDays(), self.week_days or WeekDays()
        self.free = self.consulted.free_days(self.free_days, self.tokens.place)
        if self.free is not None:
            return
        if month.business:
            self.month_days = replace(month, business=frozenset()) | _working(month.business)
        if week.business:
            self.week_days = replace(week, business=False) | MONDAY_TO_FRIDAY

    def count_days(self, counted: list[int]) -> None:
        if counted:
            numbers, back = bits(n for n in counted if n > 0), bits(-1 - n for n in counted if n < 0)
            self.add(MonthDays(numbers=numbers, from_end=back))

    def nearest(self) -> None:
        """`weekday nearest [to] [the] 15th`, or `nearest weekday to the 15th`."""
        tokens = self.tokens
        before = tokens.took(*_NEAREST)
        word = tokens.took(*_WORKING)
        if word == "" or (word == "business" and self.consulted.free_days("", tokens.place) is not None):
            raise tokens.fault("weekday", back=1 if word else 0)
        tokens.took("day")
        if not before:
            tokens.word(*_NEAREST)
        tokens.took("to")
        tokens.took("the", "day")
        day = 1 if tokens.peek() == "last" else tokens.ordinal()
        if day is None or not 1 <= day <= 31:
            self.add(MonthDays(nearest=1 << tokens.number(1, 31, "a day of the month")))
            return
        tokens.next += tokens.peek() != "last"
        if tokens.took("last"):
            tokens.took("day")
            self.add(MonthDays(nearest_from_end=1 << day - 1))
        else:
            self.add(MonthDays(nearest=1 << day))

    def add(self, days: MonthDays | WeekDays) -> None:
        if isinstance(days, MonthDays):
            self.month_days = days if self.month_days is None else self.month_days | days
        else:
            self.week_days = days if self.week_days is None else self.week_days | days

    def month_of_year(self) -> int:
        """The first month or the last, as days are counted from the start of the year or from its end."""
        days, weeks = self.month_days or MonthDays(), self.week_days or WeekDays()
        ends = {n < 0 for _, n in weeks.nth}
        ends |= {True} if days.from_end or days.working_from_end else set()
        ends |= {False} if days.numbers or days.working else set()
        ends |= {n < 0 for n in days.business}
        if len(ends) != 1 or weeks.weekdays or weeks.business or days.nearest:
            raise self.tokens.fault("month, for days not counted from either end of the year")
        return 1 << 12 if ends.pop() else 1 << 1
