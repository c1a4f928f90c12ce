"""What tests of timespecs share: times by their text, steps, and cron fields with what they stand for."""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from hypothesis import strategies as st

from picosched.timespec.timespec import Timespec

MINUTE, DAY = timedelta(minutes=1), timedelta(days=1)


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def nexts(timespec: Timespec, start: datetime, count: int) -> list[datetime]:
    """The first `count` fires after `start`."""
    found: list[datetime] = []
    at = timespec.after(start)
    while at is not None and len(found) < count:
        found.append(at)
        at = timespec.after(at)
    return found


@dataclass(frozen=True)
class Field:
    """The text of a field and what it stands for, made together."""

    text: str
    values: frozenset[int]

    @property
    def starred(self) -> bool:
        return self.text.startswith("*")


def fields(low: int, high: int, names: str = "") -> st.SearchStrategy[Field]:
    def joined(items: list[Field]) -> Field:
        return Field(",".join(item.text for item in items), frozenset().union(*(i.values for i in items)))

    def name(value: int) -> str:
        return names.split()[value - low] if names and value - low < len(names.split()) else str(value)

    everything = range(low, high + 1)
    values = st.integers(low, high)
    ends = st.tuples(values, values).map(sorted)
    steps = st.integers(1, high - low + 1)
    star = st.just(Field("*", frozenset(everything)))
    star_step = steps.map(lambda s: Field(f"*/{s}", frozenset(everything[::s])))
    value = values.map(lambda v: Field(name(v), frozenset([v])))
    spread = ends.map(lambda e: Field(f"{name(e[0])}-{name(e[1])}", frozenset(range(e[0], e[1] + 1))))
    # cronsim reads "3-3/2" as "3/2", so the ends differ here.
    apart = ends.filter(lambda e: e[0] < e[1])
    stepped = st.tuples(apart, steps).map(
        lambda t: Field(f"{t[0][0]}-{t[0][1]}/{t[1]}", frozenset(range(t[0][0], t[0][1] + 1, t[1])))
    )
    onwards = st.tuples(values, steps).map(
        lambda t: Field(f"{t[0]}/{t[1]}", frozenset(range(t[0], high + 1, t[1])))
    )
    item = st.one_of(value, spread, stepped, onwards)
    return st.one_of(star, star_step, item, st.lists(item, min_size=2, max_size=3).map(joined))


minutes, hours, seconds = fields(0, 59), fields(0, 23), fields(0, 59)
days = fields(1, 31)
months = fields(1, 12, "jan feb mar apr may jun jul aug sep oct nov dec")
weekdays = fields(0, 7, "sun mon tue wed thu fri sat")
starts = st.datetimes(datetime(1971, 1, 1), datetime(2090, 1, 1), timezones=st.just(UTC))


def day_matches(day: date, of_month: Field, month: Field, of_week: Field) -> bool:
    by_day = day.day in of_month.values
    by_week = bool({day.isoweekday(), day.isoweekday() % 7} & of_week.values)
    both = of_month.starred or of_week.starred
    return day.month in month.values and (by_day and by_week if both else by_day or by_week)
