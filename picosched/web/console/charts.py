"""The charts of the last hour: occurrences per minute by outcome, and how late those raised were."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta, tzinfo

from picosched.clock import EPOCH
from picosched.schedule.backfill import RAISED
from picosched.schedule.scheduled import Outcome
from picosched.store.pages import Minute
from picosched.web.console.chart import Series
from picosched.web.console.last_day import MINUTES

COLOURS = {
    Outcome.FIRED: "var(--good)",
    Outcome.LATE: "var(--warn)",
    Outcome.COALESCED: "var(--warn)",
    Outcome.THROTTLED: "var(--muted)",
    Outcome.SKIPPED: "var(--muted)",
    Outcome.PAUSED: "var(--muted)",
    Outcome.CANCELLED: "var(--line)",
    Outcome.FAILED: "var(--bad)",
}


def rate(minutes: Sequence[Minute], now: datetime) -> list[Series]:
    """Occurrences per minute over the last hour; each outcome present has a series of 60 counts."""
    axis = _minutes(now)
    counts = {(each.minute, each.outcome): each.fires for each in minutes}
    present = [each for each in Outcome if any(outcome == each for _, outcome in counts)] or [Outcome.FIRED]
    return [
        Series(outcome.value, COLOURS[outcome], tuple(counts.get((minute, outcome), 0) for minute in axis))
        for outcome in present
    ]


def hour_words(minutes: Sequence[Minute]) -> str:
    """How many occurrences were raised, how many failed and how many were not raised."""
    counts: Counter[str] = Counter()
    for each in minutes:
        raised = "raised" if each.outcome in RAISED else "not raised"
        counts["failed" if each.outcome == Outcome.FAILED else raised] += each.fires
    names = ("raised", *(name for name in ("failed", "not raised") if counts[name]))
    return f"{', '.join(f'{counts[name]:,} {name}' for name in names)}; per minute"


def lateness(minutes: Sequence[Minute], now: datetime) -> list[Series]:
    """The mean and the greatest lateness of each minute in ms, of the occurrences that were raised."""
    axis = _minutes(now)
    raised = [each for each in minutes if each.outcome in RAISED]
    most: dict[int, int] = {}
    sums: dict[int, tuple[int, int]] = {}
    for each in raised:
        most[each.minute] = max(most.get(each.minute, 0), each.most_ms)
        total, count = sums.get(each.minute, (0, 0))
        sums[each.minute] = total + each.sum_ms, count + each.fires
    # A logarithmic axis has no zero: less than a millisecond is shown as one.
    worst = tuple(max(1, most[minute]) if minute in most else None for minute in axis)
    mean = tuple(max(1, round(sums[each][0] / sums[each][1])) if each in sums else None for each in axis)
    return [Series("greatest", "var(--warn)", worst), Series("mean", "var(--accent)", mean, faint=True)]


def minute_labels(now: datetime, zone: tzinfo = UTC) -> list[str]:
    """The times of the last hour's minutes in a zone."""
    return [f"{(EPOCH + timedelta(minutes=each)).astimezone(zone):%H:%M}" for each in _minutes(now)]


def _minutes(now: datetime) -> range:
    last = (now - EPOCH) // timedelta(minutes=1)
    return range(last - MINUTES + 1, last + 1)
