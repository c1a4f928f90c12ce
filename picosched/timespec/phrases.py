"""Parses timespecs in plain words, clause by clause.

| clause | as in |
|---|---|
| times | `at 9:00`, `at 9, 12:30 and 5pm`, `at noon` |
| by minutes | `at minutes 0 and 30 of every hour`, `at second 30 of every minute`, `… during hours 9 to 17` |
| an interval | `hourly`, `every minute`, `every 15 minutes`, `every 2 hours` |
| its hours | `from 9:00 to 17:00` (both are times of it), `during hours 9 to 17` |
| weekdays | `mondays`, `every monday and thursday`, `on monday to friday`, `weekdays`, `weekends` |
| days of the month | `15th`, `1st and last day`, `2nd last day`, `first weekday`, `on days 1 and 15` |
| | `weekday nearest the 15th` |
| business days | `every business day`, `last business day`, `1st business day of "DE-BY"` |
| weekdays of a month | `2nd thursday`, `first and third monday`, `last friday` |
| their months | `of month`, `of every month`, `of january and june to august`, `in june`, `of year` |
| every so many days | `daily`, `every day`, `every 2 days`, `every 2 weeks`, `weekly` |
| | `every 2 weeks on friday` |
| every so many months | `monthly`, `every 3 months`, `yearly`, `every 2 months on the last friday` |
| from when | `from 2026-03-06`, `from 2026-03-06T09:00` |
| more days, or fewer | `… and on every friday`, `… if it is friday` |
| years | `in 2030`, `in 2030 to 2035`, `from 2030 on` |

The clauses may come in any order, each once. A weekday that is not named is Monday to Friday. Without a
time it is 00:00. An interval that divides its minute, hour or day is `*/n` of cron text; another is the
duration of `@every`; one with `from … to …` begins anew each day. What `words` says of fields reads back.

What is counted in days, weeks, months or years is counted from the day after `from`; without one, from the
start that the reader is given, which is then written behind, and else from 1970-01-01.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time

from picosched.errors import PicoschedError
from picosched.timespec.almanac import Consulted
from picosched.timespec.bits import ALL_MINUTES, ALL_MONTHS, spread
from picosched.timespec.clauses import SECONDS, Said
from picosched.timespec.cron import MONTH_NAMES
from picosched.timespec.day_phrases import WEEK, DayReader
from picosched.timespec.duration import LONGEST_DAYS, LONGEST_MONTHS
from picosched.timespec.fields import Fields
from picosched.timespec.place import Place
from picosched.timespec.tokens import Tokens, in_normal_form

_LONGEST = {
    **{unit: LONGEST_DAYS * 86_400 // each for unit, each in SECONDS.items()},
    "day": LONGEST_DAYS,
    "week": LONGEST_DAYS // 7,
    "month": LONGEST_MONTHS,
    "year": LONGEST_MONTHS // 12,
}
_ADVERBS = {
    "hourly": "hour",
    "daily": "day",
    "weekly": "week",
    "monthly": "month",
    "yearly": "year",
    "annually": "year",
}
_UNITS = {f"{unit}{plural}": unit for unit in _LONGEST for plural in ("", "s")}

_PHRASE = re.compile(
    r"[A-Za-z]|[0-9]+(?:st|nd|rd|th|[ \t]*[ap]m)\b|[0-9]{1,2}:[0-9]", re.ASCII | re.IGNORECASE
)
_STARRED = re.compile(r"(?:^|\s)[*?]")


@dataclass(frozen=True, slots=True)
class Phrase:
    """A phrase in its normal form: fields, or a duration in seconds on the days of fields.

    `timed` says whether it gives a time; otherwise its fields have 00:00. `open` says that it counts and has
    no start.
    """

    text: str
    fields: Fields
    timed: bool
    seconds: int | None = None
    open: bool = False


def is_phrase(text: str) -> bool:
    """Whether a text can only be a phrase: it begins like one, and has no field with a star."""
    return bool(_PHRASE.match(text)) and not _STARRED.search(text)


def read_phrase(text: str, place: Place, consulted: Consulted, start: date | None = None) -> Phrase:
    """Parse a phrase; PicoschedError `invalid` points at the wrong word. `start` is for one that is open."""
    return _Reader(text, place, consulted).phrase(start)


class _Reader:
    """Reads a phrase."""

    def __init__(self, text: str, place: Place, consulted: Consulted) -> None:
        self.tokens = Tokens(text, place)
        self.days = DayReader(self.tokens, consulted)
        self.said = Said(text, place)

    def phrase(self, start: date | None) -> Phrase:
        while self.tokens.peek():
            at = self.tokens.next
            try:
                self.clause()
            except PicoschedError:
                from picosched.timespec.meant import check_meant  # late, as most phrases are right

                self.tokens.next = at
                check_meant(self.tokens)
                raise
        self.days.settle_business_days()
        said = self.said
        said.free = self.days.free
        text = in_normal_form(said.text)
        is_open = said.counts and said.start is None
        if is_open and start is not None:
            said.start, text, is_open = datetime.combine(start, time()), f"{text} from {start}", False
        fields = said.fields(self.days.month_days, self.days.week_days)
        return Phrase(text, fields, said.timed, said.duration(), is_open)

    def clause(self) -> None:
        tokens = self.tokens
        word = tokens.peek()
        if tokens.took("at"):
            self.at()
        elif tokens.kind() == "clock" or word in ("noon", "midnight"):
            self.clocks()
        elif tokens.took("every", "each"):
            self.every()
        elif word in _ADVERBS:
            tokens.took(word)
            self.unit(_ADVERBS[word], 1)
        elif tokens.took_phrase("if", "it", "is"):
            self.once(self.said.both, "one such condition")
            self.said.both = True
            tokens.took("a")
            self.days.read()
        elif tokens.took_phrase("that", "has", "it") or tokens.took_phrase("of", "every", "hour"):
            pass
        elif tokens.took("of"):
            self.of()
        elif tokens.took("in"):
            self.within()
        elif tokens.took("during"):
            self.once(self.said.hours, "the hours once")
            self.said.hours = tokens.counted("hour", 0, 23)
        elif tokens.took("from"):
            self.from_()
        else:
            joined = tokens.took("and")
            tokens.took("on")
            if self.has_days() and not joined:
                raise tokens.fault("the days once, and more of them after and, as in … and on every friday")
            self.days.read()

    def has_days(self) -> bool:
        return self.days.any or self.said.every_day

    def at(self) -> None:
        tokens = self.tokens
        if tokens.peek() in ("minute", "minutes"):
            self.once(self.said.minutes, "the minutes once")
            self.said.minutes = tokens.counted("minute", 0, 59)
        elif tokens.peek() in ("second", "seconds"):
            self.once(self.said.seconds, "the seconds once")
            self.said.seconds = tokens.counted("second", 0, 59)
        else:
            self.clocks()

    def clocks(self) -> None:
        self.once(self.said.times, "the times once, as in at 9:00 and 17:30")
        self.said.times = [self.tokens.clock()]
        while self.tokens.more(self.tokens.at_clock):
            self.said.times.append(self.tokens.clock())

    def every(self) -> None:
        tokens = self.tokens
        count = 1
        if tokens.kind() == "number":
            unit = _UNITS.get(tokens.peek(1))
            if unit is None:
                tokens.next += 1
                raise tokens.fault("seconds, minutes, hours, days, weeks, months or years")
            count = tokens.number(1, _LONGEST[unit], f"how many {unit}s")
        unit = _UNITS.get(tokens.peek())
        if unit is not None and (unit != "second" or tokens.peek(1) not in WEEK):
            tokens.took(tokens.peek())
            self.unit(unit, count)
        else:
            if self.has_days() and tokens.peek(-2) != "on":
                raise tokens.fault("the days once, and more of them after and on", back=1)
            self.days.read()

    def unit(self, unit: str, count: int) -> None:
        if unit in SECONDS:
            self.once(self.said.interval, "one interval")
            self.said.interval = (unit, count)
        elif unit == "day" and count == 1:
            self.once(self.has_days() or self.said.cycle is not None or None, "the days once")
            self.said.every_day = True
        else:
            self.once(self.said.cycle, "one such interval")
            self.said.cycle = (unit, count)

    def of(self) -> None:
        tokens = self.tokens
        if tokens.kind() == "quoted":
            self.days.go_by()
        elif tokens.took_phrase("every", "minute"):
            self.once(self.said.minutes, "the minutes once")
            self.said.minutes = ALL_MINUTES
        elif tokens.peek() in ("minute", "minutes"):
            self.once(self.said.minutes, "the minutes once")
            self.said.minutes = tokens.counted("minute", 0, 59)
        else:
            self.of_months()

    def within(self) -> None:
        tokens = self.tokens
        if tokens.kind() == "number":
            self.once(self.said.years, "the years once")
            self.said.years = tokens.numbers(1970, 9999, "a year")
        elif tokens.peek() in ("minute", "minutes"):
            self.once(self.said.minutes, "the minutes once")
            self.said.minutes = tokens.counted("minute", 0, 59)
        else:
            self.of_months()

    def of_months(self) -> None:
        tokens, said, at = self.tokens, self.said, self.tokens.next
        months, step = ALL_MONTHS, 1
        every = tokens.took("every", "each", "the")
        if every and (nth := tokens.ordinal()) and tokens.peek(1) == "month":
            if nth > LONGEST_MONTHS:
                raise tokens.fault(f"1st to {LONGEST_MONTHS}th")
            tokens.next += 2
            step = nth
        elif tokens.peek() == "year":
            months = self.days.month_of_year()
            tokens.took("year")
        elif not tokens.took("month"):
            months = tokens.names(MONTH_NAMES, "month, year or the name of a month")
        # "On day 13 of June and on every Friday in June" has them twice.
        if said.months is not None and (said.months, said.every_months) != (months, step):
            raise tokens.fault("the months once", back=tokens.next - at)
        said.months, said.every_months = months, step

    def from_(self) -> None:
        tokens = self.tokens
        if tokens.kind() == "date":
            self.once(self.said.start, "one start")
            self.said.start = tokens.moment()
        elif tokens.kind() == "number" and tokens.peek(1) == "on":
            self.once(self.said.years, "the years once")
            first = tokens.number(1970, 9999, "a year")
            tokens.took("on")
            self.said.years = spread(first, 1, 10_000)
        elif tokens.peek() in MONTH_NAMES:
            self.of_months()
        elif tokens.peek() in WEEK:
            self.days.read()
        else:
            self.once(self.said.window, "one span of times")
            (first, low), _, (last, high) = tokens.clock(), tokens.word("to", "until", "-"), tokens.clock()
            if low or high:
                raise tokens.fault("times of whole minutes", back=1)
            self.said.window = (first, last)

    def once(self, said: object, wanted: str) -> None:
        """Refuse a clause that was already given."""
        if said:
            raise self.tokens.fault(wanted, back=0 if self.tokens.peek() else 1)
