"""What happens today, by the hour, in the zone of the reader: what fired, what failed, what is to come.

What fired is counted by `last_day`, what is to come by the load of the next 26 hours (`coming`).
The bars are hours of UTC, each with the reader's time of its start.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from picosched.clock import EPOCH
from picosched.schedule.load import Load
from picosched.schedule.scheduled import Outcome
from picosched.web.console.chart import Series
from picosched.web.console.last_day import Seen

AHEAD = timedelta(hours=26)
"""How far ahead the load is counted."""
HOUR = timedelta(hours=1)

RAISED = (Outcome.FIRED, Outcome.LATE, Outcome.COALESCED)
KINDS = (
    ("fired", "var(--good)"),
    ("failed", "var(--bad)"),
    ("not raised", "var(--muted)"),
    ("to come", "var(--accent)"),
)


@dataclass(frozen=True, slots=True)
class Today:
    """The hours of a day, each with the counts of KINDS."""

    zone: ZoneInfo
    now: datetime
    hours: dict[datetime, Counter[str]]

    @property
    def totals(self) -> Counter[str]:
        return sum(self.hours.values(), Counter[str]())

    @property
    def words(self) -> str:
        """The day, its zone and its totals."""
        totals = self.totals
        counts = [f"{totals[name]:,} {name}" for name, _ in KINDS if totals[name] or name != "not raised"]
        return f"{self.now.astimezone(self.zone):%A %Y-%m-%d}, {self.zone.key} · {' · '.join(counts)}"


def today(seen: Seen, load: Load, zone: ZoneInfo) -> Today:
    """The day of `seen.now` in a zone."""
    local = seen.now.astimezone(zone)
    start = datetime(local.year, local.month, local.day, tzinfo=zone).astimezone(UTC)
    after = local.date() + timedelta(days=1)
    end = datetime(after.year, after.month, after.day, tzinfo=zone).astimezone(UTC)
    hours: dict[datetime, Counter[str]] = {}
    at = start - (start - EPOCH) % HOUR
    while at < end:
        hours[at] = Counter()
        at += HOUR
    for (hour, outcome), fires in seen.hours.items():
        found = hours.get(EPOCH + hour * HOUR)
        if found is not None:
            raised = "fired" if outcome in RAISED else "not raised"
            found["failed" if outcome == Outcome.FAILED else raised] += fires
    rate = sum(each.per_minute for each in load.steady)
    for at, counts in hours.items():
        left = min(at + HOUR, load.complete) - max(at, seen.now)
        steady = round(rate * left / timedelta(minutes=1)) if left > timedelta() else 0
        counts["to come"] = load.hours.get(at, 0) + steady
    return Today(zone, seen.now, hours)


def day_labels(day: Today) -> list[str]:
    """The reader's times at which the hours begin."""
    return [f"{at.astimezone(day.zone):%H:%M}" for at in day.hours]


def day_series(day: Today) -> list[Series]:
    """The hours of a day by what became of them."""
    totals = day.totals
    return [
        Series(name, colour, tuple(counts[name] for counts in day.hours.values()), name == "to come")
        for name, colour in KINDS
        if totals[name] or name != "not raised"
    ]
