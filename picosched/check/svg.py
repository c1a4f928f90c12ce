"""The picture of the whole graph as an SVG of its own, light or dark as its reader likes it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from picosched.check.drawn import MOST_RULES, Arrow, Box, Drawn
from picosched.errors import PicoschedError

NOT_XML = re.compile(r"[\x00-\x08\x0b-\x1f\ud800-\udfff\ufffe\uffff]")
COLOURS = """
.whole {
  --panel: #ffffff; --line: #b4bcc6; --text: #1a1f26; --muted: #59636f;
  --bad: #b3202c; --warn: #8a5a00; --raised: #f0f2f5; background: var(--panel);
}
@media (prefers-color-scheme: dark) {
  .whole {
    --panel: #151a20; --line: #4b5663; --text: #e3e8ee; --muted: #98a3b0;
    --bad: #ff7b80; --warn: #e0b04c; --raised: #1c222a;
  }
}
"""
STYLE = """
.whole { font: 12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace; }
.whole rect { fill: var(--panel); stroke: var(--line); }
.whole .event rect { fill: var(--raised); }
.whole .outside rect { fill: none; }
.whole .open rect { fill: none; stroke-dasharray: 2 3; }
.whole .lost rect { stroke: var(--bad); }
.whole .warned rect { stroke: var(--warn); stroke-width: 2; }
.whole rect.mark { stroke: none; }
.whole text { fill: var(--text); dominant-baseline: central; }
.whole text.rid, .whole text.count { fill: var(--muted); font-size: 11px; }
.whole text.count { paint-order: stroke; stroke: var(--panel); stroke-width: 4px; }
.whole path { fill: none; stroke: var(--muted); stroke-width: 1.2; }
.whole .schedules path { stroke-dasharray: 6 4; }
.whole .sends path { stroke-dasharray: 1.5 4; }
.whole .fails path { stroke: var(--bad); stroke-dasharray: 2 3; }
.whole path.head { fill: var(--muted); stroke: none; }
.whole .fails path.head { fill: var(--bad); }
"""
"""The look of the picture, in the console too, whose pages have the same names of colours."""


def svg_of(drawn: Drawn) -> str:
    """The picture as an SVG document. `too_large` if it is empty."""
    if not drawn.boxes:
        raise PicoschedError(
            f"found more than {MOST_RULES} rules, or none, and so no picture: name fewer rulesets, or a pico",
            "too_large",
        )
    return NOT_XML.sub("\N{REPLACEMENT CHARACTER}", "\n".join(_lines(drawn)) + "\n")


def _lines(drawn: Drawn) -> Iterator[str]:
    width, height = (round(each) for each in (drawn.width, drawn.height))
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" class="whole" width="{width}" height="{height}" '
        f'viewBox="0 0 {width} {height}" role="img">'
    )
    yield "<title>Which rule raises, schedules and sends what to which</title>"
    yield f"<style>{COLOURS}{STYLE}</style>"
    for arrow in drawn.arrows:
        yield f'<g class="{arrow.verb}"><title>{escape(arrow.title)}</title>'
        yield f'<path d="{arrow.path}"/><path class="head" d="{head(arrow)}"/>'
        yield "</g>"
    for box in drawn.boxes:
        yield from _box(box)
    for arrow in drawn.arrows:
        if arrow.label:
            x, anchor = (arrow.x + 12, "start") if arrow.back else (arrow.x - 12, "end")
            yield (
                f'<text class="count" x="{x:g}" y="{arrow.y + arrow.beside:g}" text-anchor="{anchor}">'
                f"{escape(arrow.label)}</text>"
            )
    yield "</svg>"


def head(arrow: Arrow) -> str:
    """The path of an arrow's head."""
    back = 7 if arrow.back else -7
    return f"M{arrow.x:g} {arrow.y:g}l{back} -3.5v7z"


def _box(box: Box) -> Iterator[str]:
    yield f"<g class={quoteattr(f'{box.kind} {box.tone}'.strip())}><title>{escape(box.title)}</title>"
    round_ = 6 if box.kind == "rule" else box.height / 2
    yield (
        f'<rect x="{box.x:g}" y="{box.y:g}" width="{box.width:g}" height="{box.height:g}" rx="{round_:g}"/>'
    )
    middle, left = box.y + box.height / 2, box.x + 12
    if box.kind == "event":
        yield f'<text x="{left:g}" y="{middle:g}">{escape(box.name)}</text>'
    else:
        yield (
            f'<rect class="mark" x="{box.x + 1:g}" y="{box.y + 6:g}" width="4" height="{box.height - 12:g}" '
            f'style="fill: hsl({box.hue} 50% 55%)"/>'
        )
        yield f'<text x="{left:g}" y="{middle - 8:g}">{escape(box.name)}</text>'
        yield f'<text class="rid" x="{left:g}" y="{middle + 8:g}">{escape(box.under)}</text>'
    yield "</g>"
