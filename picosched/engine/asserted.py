"""What is asserted of a plan: `no more than 5 fires/min`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from picosched.clock import format_time, from_ms, to_ms
from picosched.errors import PicoschedError

UNITS = {"second": 1_000, "minute": 60_000, "hour": 3_600_000, "day": 86_400_000}
"""Milliseconds; they are those of the clock, in UTC."""

_FORM = re.compile(r"(?:no more than|at most) (\d{1,9}) fires? ?(?:/|per|in any) ?(\w+)")
_SHORT = {"s": "second", "sec": "second", "min": "minute", "m": "minute", "h": "hour", "d": "day"}

MINUTE = "minute"


@dataclass(frozen=True, slots=True)
class Asserted:
    """At most so many fires in any second, minute, hour or day."""

    text: str
    most: int
    unit: str


def parse_asserted(text: str) -> Asserted:
    """Read an assertion; `invalid` if it has another form."""
    match = _FORM.fullmatch(" ".join(text.split()))
    unit = None if match is None else _SHORT.get(match[2], match[2])
    if match is None or unit not in UNITS:
        wanted = "no more than N fires/UNIT, with second, minute (min), hour or day as UNIT"
        raise PicoschedError(f"found the assertion {text[:80]!r}, wanted {wanted}")
    return Asserted(text, int(match[1]), unit)


class Fires:
    """Counts fires in each minute, and in each unit that is asserted."""

    def __init__(self, asserted: Sequence[Asserted]) -> None:
        self._asserted = asserted
        self._counts = {unit: Counter[int]() for unit in {MINUTE, *(each.unit for each in asserted)}}
        self.total = 0

    def count(self, at: datetime) -> None:
        self.total += 1
        for unit, counts in self._counts.items():
            counts[to_ms(at) // UNITS[unit]] += 1

    @property
    def busiest(self) -> str | None:
        """The first minute with the most fires."""
        at, most = self._most(MINUTE)
        return None if at is None else f"{most:,} in the minute of {format_time(at)}"

    def broken(self) -> tuple[str, ...]:
        """What does not hold, with the first second, minute, hour or day that has the most fires."""
        found = []
        for each in self._asserted:
            at, most = self._most(each.unit)
            if at is not None and most > each.most:
                found.append(f"{each.text}: found {most:,} in the {each.unit} of {format_time(at)}")
        return tuple(found)

    def _most(self, unit: str) -> tuple[datetime | None, int]:
        counts = self._counts[unit]
        if not counts:
            return None, 0
        place = min(counts, key=lambda each: (-counts[each], each))
        return from_ms(place * UNITS[unit]), counts[place]
