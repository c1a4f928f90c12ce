"""Rows as Markdown tables and as JSON; several runs as one."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench.side_by_side import OURS, Row


@dataclass(frozen=True, slots=True)
class Line:
    """One row over all runs: medians of the runs' medians, and of the ratios each run found within itself."""

    what: str
    unit: str
    median: float
    spread: tuple[float, float]
    """Of one run, the quartiles of its samples; of several, the lowest and highest of their medians."""
    others: dict[str, tuple[float, float]]
    """Who → their median, and ours as a multiple of it."""


def line_of(runs: Sequence[Row]) -> Line:
    """The same row of each run, as one."""
    first = runs[0]
    medians = [row.median() for row in runs]
    return Line(
        first.what,
        first.unit,
        statistics.median(medians),
        first.spread() if len(runs) == 1 else (min(medians), max(medians)),
        {
            name: (
                statistics.median(row.median(name) for row in runs),
                statistics.median(row.ratio(name) for row in runs),
            )
            for name in first.others
        },
    )


def table(title: str, lines: Sequence[Line]) -> str:
    """A Markdown table: ours with its spread, then each of the others with the ratio."""
    body = [f"### {title}", "", "| what | picosched | against |", "|---|---|---|"]
    for line in lines:
        low, high = line.spread
        ours = f"{number(line.median)} {line.unit} ({number(low)}–{number(high)})"
        against = "; ".join(
            f"{number(ratio)} × {name} ({number(theirs)})" for name, (theirs, ratio) in line.others.items()
        )
        body.append(f"| {line.what} | {ours} | {against} |")
    return "\n".join(body) + "\n"


def number(value: float) -> str:
    """Three figures, whatever the size."""
    if math.isinf(value):
        return "never"
    if value >= 100:
        return f"{float(f'{value:.3g}'):,.0f}"
    return f"{value:.3g}" if value >= 0.001 or value == 0 else f"{value:.1e}"


def as_json(rows: Sequence[Row], lines: Sequence[Line]) -> list[dict[str, Any]]:
    """Every line, with all samples of its row; null where something never ended."""
    return [
        {
            "what": line.what,
            "unit": line.unit,
            "median": finite(line.median),
            "spread": [finite(each) for each in line.spread],
            "against": {
                name: {"median": finite(theirs), "ratio": finite(ratio)}
                for name, (theirs, ratio) in line.others.items()
            },
            "samples": {name: [finite(each) for each in found] for name, found in row.samples.items()},
        }
        for row, line in zip(rows, lines, strict=True)
    ]


def finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def pooled(runs: Sequence[Row]) -> Row:
    """All samples of all runs."""
    samples: dict[str, list[float]] = {}
    for row in runs:
        for name, found in row.samples.items():
            samples.setdefault(name, []).extend(found)
    assert OURS in samples
    return Row(runs[0].what, runs[0].unit, samples)
