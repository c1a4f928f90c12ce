"""Writes the figures into docs/performance.md: a table and a chart between the marks of each measurement.

A mark is `<!-- bench: NAME -->`; what is between it and `<!-- end -->` is replaced. The words around stay.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from tests.bench.chart import chart
from tests.bench.measurements import about
from tests.bench.report import Line, table

DOCS = Path(__file__).parents[2] / "docs"
PAGE = DOCS / "performance.md"
CHARTS = DOCS / "performance"


def write(here: Mapping[str, str], runs: int, found: Mapping[str, Sequence[Line]]) -> None:
    """Replace the parts of the page that were measured, and draw their charts."""
    text = PAGE.read_text(encoding="utf-8")
    CHARTS.mkdir(exist_ok=True)
    for name, lines in found.items():
        parts = [table(about(name), lines).partition("\n\n")[2].rstrip()]
        picture = chart(about(name), lines)
        if picture is not None:
            (CHARTS / f"{name}.svg").write_text(picture, encoding="utf-8")
            parts.append(f"![{about(name)}](performance/{name}.svg)")
        parts.append(
            f"*{here['date']}, {here['machine']}, Python {here['Python']}, load {here['load']}, "
            f"one fsync {here['one fsync'].partition(' (')[0]}, {runs} run{'s' * (runs != 1)}.*"
        )
        text = replaced(text, name, "\n\n".join(parts))
    PAGE.write_text(text, encoding="utf-8")


def replaced(text: str, name: str, part: str) -> str:
    """The page with another part; ValueError if it has no place for it."""
    mark = re.compile(rf"(<!-- bench: {name} -->\n)(?:(?!<!-- bench: ).)*?(<!-- end -->)", re.DOTALL)
    if not mark.search(text):
        raise ValueError(f"docs/performance.md has no mark <!-- bench: {name} --> with an end")
    return mark.sub(lambda found: f"{found[1]}{part}\n{found[2]}", text, count=1)


def check(names: Iterable[str]) -> None:
    """ValueError if the page has no place for one of these measurements."""
    text = PAGE.read_text(encoding="utf-8")
    for name in names:
        replaced(text, name, "")
