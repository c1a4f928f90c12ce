"""The state of a window that all rulesets see, as lists show it: whether it is open, its next edges, who made
it, and how much depends on it; and what one would be, in words.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from picosched.clock import format_time, parse_time
from picosched.frozen import frozen
from picosched.schedule.window import MadeWindow, Window

PREVIEWED = 5
"""Openings in a preview."""


class Uses(NamedTuple):
    """How much depends on a window; a count that would be larger is 1,000."""

    schedules: int
    sources: int
    rulesets: int
    """Those that select its edges or name it."""

    @property
    def words(self) -> str:
        """As in "1 schedule, 2 rulesets"; "nothing"."""
        named = (("schedule", self.schedules), ("source", self.sources), ("ruleset", self.rulesets))
        found = [f"{count:,} {name}{'s' * (count != 1)}" for name, count in named if count]
        return ", ".join(found) or "nothing"


@frozen
class WindowState:
    """A window that all rulesets see."""

    name: str
    opens: str
    """Its timespecs, as texts."""
    closes: str
    tz: str
    open: bool
    """Whether it is open now."""
    next_opening: datetime | None
    next_closing: datetime | None
    fault: str | None
    """Why it cannot be read any more: then it is closed, and whoever asks for it fails. Or that one was made
    which has the name of this one of the settings: then this one holds, and no server starts."""
    uses: Uses
    configured: bool = True
    """Whether it is a table of the settings."""
    made: datetime | None = None
    made_by: str | None = None

    def as_json(self) -> dict[str, Any]:
        return {
            "name": self.name,
            "from": self.opens,
            "to": self.closes,
            "in": self.tz,
            "open": self.open,
            "next_opening": self.next_opening and format_time(self.next_opening),
            "next_closing": self.next_closing and format_time(self.next_closing),
            "fault": self.fault,
            "uses": self.uses._asdict(),
            "configured": self.configured,
            "made": self.made and format_time(self.made),
            "made_by": self.made_by,
        }


def read_window_state(told: Mapping[str, Any]) -> WindowState:
    """The state that `as_json` gave."""

    def time(name: str) -> datetime | None:
        return None if told[name] is None else parse_time(told[name])

    return WindowState(
        name=told["name"],
        opens=told["from"],
        closes=told["to"],
        tz=told["in"],
        open=told["open"],
        next_opening=time("next_opening"),
        next_closing=time("next_closing"),
        fault=told["fault"],
        uses=Uses(**told["uses"]),
        configured=told["configured"],
        made=time("made"),
        made_by=told["made_by"],
    )


def clashing(made: MadeWindow) -> str:
    """What is wrong with a window of the settings if one that was made has its name."""
    return f"one made by {made.made_by} has this name too: rename the table, or use `picosched remove-window`"


class Preview(NamedTuple):
    """What a window would be."""

    says: str
    """Its timespecs in words."""
    open: bool
    """Whether it would be open now."""
    spans: tuple[tuple[datetime, datetime | None], ...]
    """When it opens and closes next, from its next opening on."""


def previewed(window: Window, now: datetime) -> Preview:
    """What a window is from a time on."""
    spans: list[tuple[datetime, datetime | None]] = []
    edges = window.edges(now)
    for edge in islice(edges, 2 * PREVIEWED + 1):
        if edge.opens:
            closing = window.next_closing(edge.at)
            spans.append((edge.at, closing))
    return Preview(window.explain(), window.open_at(now), tuple(spans[:PREVIEWED]))
