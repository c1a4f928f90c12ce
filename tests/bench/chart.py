"""A measurement as a picture: each row's contenders as bars, the longest of a row as long as the picture."""

from __future__ import annotations

from collections.abc import Sequence
from xml.sax.saxutils import escape

from tests.bench.report import Line, number
from tests.bench.side_by_side import OURS, PEER

WIDTH, LEFT, BAR, GAP, TITLE = 880, 310, 16, 14, 22
COLOURS = ("#0f766e", "#94a3b8", "#cbd5e1")
"""Ours, then the others."""
OF_THE_PEER = "#f59e0b"
MOST = 46
"""Characters of a label."""


def chart(title: str, lines: Sequence[Line]) -> str | None:
    """An SVG of the rows that have others beside us; None if none has."""
    compared = [line for line in lines if line.others]
    if not compared:
        return None
    parts: list[str] = []
    y = 34
    for line in compared:
        parts.append(_text(12, y + 12, f"{line.what} ({line.unit})".replace("`", ""), bold=True))
        y += TITLE
        values = {OURS: line.median} | {name: theirs for name, (theirs, _) in line.others.items()}
        longest = max(value for value in values.values() if value != float("inf"))
        for place, (name, value) in enumerate(values.items()):
            length = (WIDTH - LEFT - 90) * min(1.0, value / longest if longest else 0.0)
            colour = OF_THE_PEER if name == PEER else COLOURS[min(place, len(COLOURS) - 1)]
            parts.append(_text(LEFT - 8, y + 12, name, end=True))
            parts.append(
                f'<rect x="{LEFT}" y="{y}" width="{max(1.0, length):.1f}" height="{BAR - 3}" rx="2" '
                f'fill="{colour}"/>'
            )
            parts.append(_text(LEFT + length + 6, y + 11, number(value)))
            y += BAR
        y += GAP
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {y}" width="{WIDTH}" height="{y}" '
        f'font-family="system-ui, sans-serif" font-size="12">\n'
        f'<rect width="{WIDTH}" height="{y}" fill="#ffffff"/>\n'
        + _text(12, 20, title.replace("`", ""), bold=True)
        + "\n"
        + "\n".join(parts)
        + "\n</svg>\n"
    )


def _text(x: float, y: float, text: str, *, bold: bool = False, end: bool = False) -> str:
    shown = text if len(text) <= MOST or not end else text[: MOST - 1] + "…"
    weight = ' font-weight="600"' if bold else ""
    anchor = ' text-anchor="end"' if end else ""
    return f'<text x="{x:.0f}" y="{y:.0f}" fill="#1e293b"{weight}{anchor}>{escape(shown)}</text>'
