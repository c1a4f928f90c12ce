"""Sets of small numbers as integers with one bit for each member.

The minutes of a day, the days of a month, the years up to 9999: "the next member from n on" is a shift and
the lowest bit, and sets are united, intersected and compared in one operation each, whatever their size.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import pairwise

ALL_SECONDS = ALL_MINUTES = (1 << 60) - 1
ALL_HOURS = (1 << 24) - 1
ALL_MINUTES_OF_DAY = (1 << 1440) - 1
ALL_DAYS = (1 << 32) - 2
ALL_MONTHS = (1 << 13) - 2
ALL_WEEKDAYS = (1 << 7) - 1
ALL_YEARS = (1 << 10_000) - 2


def bits(members: Iterable[int]) -> int:
    """The set of `members` as bits."""
    found = 0
    for member in members:
        found |= 1 << member
    return found


def spread(first: int, step: int, below: int) -> int:
    """The set of `first`, `first + step` and so on, all below `below`."""
    found, width = 1 << first, step
    while width < below - first:
        found |= found << width
        width *= 2
    return found & ((1 << below) - 1)


def lowest(some: int) -> int:
    """The least member of a non-empty set."""
    return (some & -some).bit_length() - 1


def highest(some: int) -> int:
    """The greatest member of a non-empty set."""
    return some.bit_length() - 1


def members(some: int, after: int = -1) -> Iterator[int]:
    """The members greater than `after`, in ascending order."""
    some = some >> (after + 1) << (after + 1)
    while some:
        yield lowest(some)
        some &= some - 1


def least_distance(some: int) -> int | None:
    """The least difference between two members; None if there are fewer than two."""
    return min((later - earlier for earlier, later in pairwise(members(some))), default=None)
