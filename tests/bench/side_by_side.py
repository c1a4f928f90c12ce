"""Contenders measured in turn: one sample of each, then the next round, so that a noise hits all alike.

A `Row` is one thing measured, with the samples of each contender, ours first. What counts is the ratio to the
others of the same run; the absolute numbers are those of one machine.
"""

from __future__ import annotations

import gc
import statistics
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context
from time import perf_counter
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")

OURS = "picosched"
PEER = "peer"


@dataclass(frozen=True, slots=True)
class Row:
    """One thing measured, in one unit, by each contender."""

    what: str
    unit: str
    samples: dict[str, list[float]] = field(default_factory=dict)

    @property
    def others(self) -> list[str]:
        return [name for name in self.samples if name != OURS]

    def median(self, name: str = OURS) -> float:
        return statistics.median(self.samples[name])

    def spread(self, name: str = OURS) -> tuple[float, float]:
        """The quartiles; the least and the most where there are fewer than four samples."""
        found = sorted(self.samples[name])
        if len(found) < 4:
            return found[0], found[-1]
        first, _, third = statistics.quantiles(found, n=4)
        return first, third

    def ratio(self, name: str) -> float:
        """Ours as a multiple of another's, both in the row's unit."""
        theirs = self.median(name)
        return self.median() / theirs if theirs else float("inf")


def side_by_side(
    what: str,
    unit: str,
    contenders: Mapping[str, Callable[[], float] | None],
    *,
    repeats: int,
    warm: bool = True,
) -> Row:
    """Each contender gives one sample a round; those that are None are not there. The first is dropped."""
    present = {name: sample for name, sample in contenders.items() if sample is not None}
    samples: dict[str, list[float]] = {name: [] for name in present}
    for number in range(repeats + warm):
        for name, sample in present.items():
            gc.collect()
            found = sample()
            if number >= warm:
                samples[name].append(found)
    return Row(what, unit, samples)


def seconds(work: Callable[[], object], times: int = 1) -> float:
    """The time that `work` takes, each of `times`."""
    begun = perf_counter()
    for _ in range(times):
        work()
    return (perf_counter() - begun) / times


def rate(work: Callable[[], object], times: int) -> float:
    """How often a second `work` is done."""
    return 1 / seconds(work, times)


def in_a_process_of_its_own(work: Callable[P, R], *args: P.args, **named: P.kwargs) -> R:
    """What `work` returns, run in a process that is started for it and has nothing else in memory."""
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(work, *args, **named).result()
