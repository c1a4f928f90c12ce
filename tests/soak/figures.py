"""What a soak measures, in a memory that does not grow with its length."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from statistics import median

FINEST = 0.05
"""Milliseconds: what is less is counted as this."""

RATIO = 1.05
"""From one step of a `Spread` to the next: so exact are its quantiles."""


MOST_FAULTS = 200
"""Faults that are told; more of them say nothing new."""


class Spread:
    """How values in milliseconds spread: a count for each step of a scale that grows by RATIO."""

    def __init__(self) -> None:
        self._steps: Counter[int] = Counter()
        self.count = 0
        self.most = 0.0

    def add(self, value: float, times: int = 1) -> None:
        self._steps[math.ceil(math.log(max(value, FINEST) / FINEST, RATIO))] += times
        self.count += times
        self.most = max(self.most, value)

    def quantile(self, part: float) -> float:
        """The value that so much of all is not above; 0 if there are none."""
        left = math.ceil(part * self.count)
        for step in sorted(self._steps):
            left -= self._steps[step]
            if left <= 0:
                return min(FINEST * RATIO**step, self.most)
        return 0.0

    def as_json(self) -> dict[str, float]:
        return {
            "count": self.count,
            "p50_ms": round(self.quantile(0.5), 2),
            "p99_ms": round(self.quantile(0.99), 2),
            "most_ms": round(self.most, 2),
        }


@dataclass
class Level:
    """Something that should stay level: samples at even intervals over the whole run."""

    samples: list[int] = field(default_factory=list)

    def quarter(self, number: int) -> int:
        """The median of a quarter, 1 to 4; 0 without samples."""
        size = len(self.samples) / 4
        found = self.samples[round(size * (number - 1)) : round(size * number)]
        return round(median(found)) if found else 0

    def as_json(self) -> dict[str, int] | None:
        """None where nothing was measured."""
        if not self.samples:
            return None
        return {
            "second_quarter": self.quarter(2),
            "last_quarter": self.quarter(4),
            "most": max(self.samples),
        }


@dataclass
class Figures:
    """All that one run measures and counts."""

    answers: Counter[tuple[str, int]] = field(default_factory=Counter)
    """(what was asked, status) → how often; status 0 where the connection broke."""
    latency: dict[str, Spread] = field(default_factory=dict)
    """What was asked → how long its answers took."""
    memory: Level = field(default_factory=Level)
    """The server's resident memory, KiB."""
    files: Level = field(default_factory=Level)
    """Its open file descriptors."""
    done: Counter[str] = field(default_factory=Counter)
    """Whatever else was done, by name."""
    faults: Counter[str] = field(default_factory=Counter)
    """What must not be, in words, and how often it was seen."""
    tell: Callable[[str], None] = lambda text: None
    """Called with each fault that is new."""

    def fault(self, text: str) -> None:
        if text not in self.faults and len(self.faults) < MOST_FAULTS:
            self.tell(f"FAULT {text}")
            self.faults[text] = 0
        if text in self.faults:
            self.faults[text] += 1

    def answered(self, what: str, status: int, ms: float) -> None:
        self.answers[what, status] += 1
        if status:
            self.latency.setdefault(what, Spread()).add(ms)
