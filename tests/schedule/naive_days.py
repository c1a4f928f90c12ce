"""The days that cron fields name, told one day at a time from what each item means, and from nothing else."""

import calendar
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from hypothesis import strategies as st

DAY = timedelta(days=1)
MONTHS = "jan feb mar apr may jun jul aug sep oct nov dec".split()
WEEKDAYS = "sun mon tue wed thu fri sat".split()


@dataclass(frozen=True)
class Item:
    """An item of a day field and how one day at a time is held against it."""

    text: str
    kind: str
    value: int = 0
    nth: int = 0

    def has(self, day: date) -> bool:
        length = calendar.monthrange(day.year, day.month)[1]
        weekday = day.isoweekday() % 7
        if self.kind == "day":
            return day.day == self.value
        if self.kind == "from end":
            return day.day == length - self.value
        if self.kind == "last working":
            later = [day.replace(day=n) for n in range(day.day + 1, length + 1)]
            return 1 <= weekday <= 5 and all(each.isoweekday() > 5 for each in later)
        if self.kind in ("nearest", "nearest from end"):
            number = self.value if self.kind == "nearest" else length - self.value
            if not 1 <= number <= length:
                return False
            wanted = day.replace(day=number)
            near = [day.replace(day=n) for n in range(1, length + 1)]
            working = [each for each in near if each.isoweekday() <= 5]
            return day == min(working, key=lambda each: (abs(each - wanted), each != wanted - DAY))
        if self.kind == "weekday":
            return weekday == self.value
        if self.nth == -1:
            return weekday == self.value and day.day + 7 > length
        return weekday == self.value and (day.day - 1) // 7 + 1 == self.nth


def _item(text: str, kind: str, value: int = 0, nth: int = 0) -> Item:
    return Item(text, kind, value, nth)


_days = st.integers(1, 31).map(lambda n: _item(str(n), "day", n))
_from_end = st.integers(0, 30).map(lambda n: _item(f"L-{n}" if n else "L", "from end", n))
_nearest = st.integers(1, 31).map(lambda n: _item(f"{n}W", "nearest", n))
_nearest_from_end = st.integers(1, 30).map(lambda n: _item(f"L-{n}W", "nearest from end", n))
_last_working = st.just(_item("LW", "last working"))
_weekdays = st.integers(0, 6).map(lambda n: _item(WEEKDAYS[n], "weekday", n))
_nths = st.tuples(st.integers(0, 6), st.integers(1, 5), st.booleans()).map(
    lambda t: _item(f"{WEEKDAYS[t[0]] if t[2] else t[0]}#{t[1]}", "nth", t[0], t[1])
)
_lasts = st.tuples(st.integers(0, 6), st.sampled_from(("{}L", "L{}"))).map(
    lambda t: _item(t[1].format(t[0]), "nth", t[0], -1)
)


@dataclass(frozen=True)
class Items:
    """A day field; without items it is a star."""

    items: tuple[Item, ...]

    @property
    def text(self) -> str:
        return ",".join(item.text for item in self.items) or "*"

    def has(self, day: date) -> bool:
        return any(item.has(day) for item in self.items)


def _lists(*items: st.SearchStrategy[Item]) -> st.SearchStrategy[Items]:
    return st.lists(st.one_of(*items), max_size=3).map(lambda some: Items(tuple(some)))


month_days = _lists(_days, _from_end, _nearest, _nearest_from_end, _last_working)
week_days = _lists(_weekdays, _nths, _lasts)


def belongs(
    day: date, of_month: Items, of_week: Items, months: frozenset[int] = frozenset(range(1, 13))
) -> bool:
    """The rule of Vixie cron: either of two fields, or both where one is a star."""
    if day.month not in months:
        return False
    if of_month.items and of_week.items:
        return of_month.has(day) or of_week.has(day)
    return (not of_month.items or of_month.has(day)) and (not of_week.items or of_week.has(day))


def days_between(first: date, last: date) -> Iterator[date]:
    """Every day from the first to the last."""
    for n in range((last - first).days + 1):
        yield first + n * DAY
