"""Findings in the editor: underlined text, a message at the end of the line, and a tooltip.

A finding has lines and columns; the editor needs character offsets, and counts lines by line feeds only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from picosched.check import Finding
from picosched.errors import Span, lines_of

LONGEST = 120
"""Characters of a message at the end of a line."""


@dataclass(frozen=True, slots=True)
class Shown:
    """Input for the editor: decorations, and tooltips by line."""

    decorations: list[dict[str, Any]]
    tooltips: dict[int, str]


def shown(text: str, findings: Sequence[Finding]) -> Shown:
    """The marks for findings in a text whose lines end with line feeds only."""
    starts = starts_of(text)
    found: list[dict[str, Any]] = []
    told: dict[int, list[Finding]] = {}
    for each in findings:
        start, end = offsets(each.span, starts, len(text))
        told.setdefault(text.count("\n", 0, start) + 1, []).append(each)
        # An empty span, as at the end of the text, marks only its line.
        if end > start:
            found.append({"kind": "mark", "from": start, "to": end, "class": f"krl-{each.severity}"})
    for line, here in told.items():
        worst = min(here, key=lambda each: each.severity)  # "error" before "warning"
        found.append({"kind": "line", "line": line, "class": f"krl-line krl-line-{worst.severity}"})
        end = text.find("\n", _line_start(text, line))
        words = worst.message if len(worst.message) <= LONGEST else worst.message[: LONGEST - 1] + "…"
        found.append(
            {
                "kind": "widget",
                "position": len(text) if end < 0 else end,
                "text": words,
                "class": f"krl-words krl-words-{worst.severity}",
                "side": 1,
            }
        )
    tooltips = {
        line: "\n".join(f"{each.code} {each.message}" for each in here) for line, here in told.items()
    }
    return Shown(found, tooltips)


def offsets(span: Span, starts: Sequence[int], length: int) -> tuple[int, int]:
    """The offsets of a span's first character and of the one after its last."""

    def offset(line: int, column: int) -> int:
        start = starts[min(line, len(starts)) - 1] if line >= 1 else 0
        return max(0, min(start + column - 1, length))

    start = offset(span.line, span.column)
    return start, max(start, offset(span.end_line, span.end_column))


def starts_of(text: str) -> list[int]:
    """The offsets of line starts, with lines as in `krl.source`."""
    starts = [0]
    for line in lines_of(text):
        starts.append(starts[-1] + len(line))
    return starts


def _line_start(text: str, line: int) -> int:
    """The offset of a line's start, counting line feeds."""
    start = 0
    for _ in range(line - 1):
        start = text.index("\n", start) + 1
    return start
