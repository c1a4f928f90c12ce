"""The timespecs of a ruleset's schedules, as far as its text gives them: in words, with next times."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from zoneinfo import ZoneInfo

from picosched.cli.lsp.document import Document
from picosched.clock import format_time
from picosched.errors import PicoschedError
from picosched.krl import syntax
from picosched.schedule.steering import ZONE
from picosched.timespec.almanac import Almanac
from picosched.timespec.timespec import Timespec

SHOWN = 5
"""Times shown of one timespec."""


@dataclass(frozen=True, slots=True)
class Repeat:
    """A schedule that repeats."""

    node: syntax.ScheduleEvent
    spec: Timespec
    given: syntax.Node
    """Where the timespec is written: in the schedule, or in the declaration of a name."""

    def times(self, now: datetime, count: int) -> list[datetime]:
        """The next times, in the zone of the timespec."""
        zone = ZoneInfo(self.spec.tz)
        return [each.astimezone(zone) for each in self.spec.starting(now).following(now, count)]

    def words(self, now: datetime) -> str:
        """Markdown: the timespec in words, and its next times."""
        times = self.times(now, SHOWN)
        zone = "" if self.spec.tz == "UTC" else f" {self.spec.tz}"
        lines = [f"- {time:%a %Y-%m-%d %H:%M:%S}{zone} ({format_time(time)})" for time in times]
        return "\n".join([f"**{self.spec.explain()}**", "", *(lines or ["never again"])])

    def next(self, now: datetime) -> str:
        """One line for above the schedule."""
        time = next(iter(self.times(now, 1)), None)
        if time is None:
            return "never again"
        zone = "" if self.spec.tz == "UTC" else f" {self.spec.tz}"
        return f"next: {time:%a %Y-%m-%d %H:%M}{zone}"


MOST = 200
"""Schedules of one ruleset that are looked at."""


def repeats(document: Document, almanac: Almanac) -> list[Repeat]:
    """The repeating schedules whose timespec the text gives and that can be read."""
    return [*islice(_repeats(document, almanac), MOST)]


def _repeats(document: Document, almanac: Almanac) -> Iterator[Repeat]:
    subject = document.subject
    if subject is None:
        return
    for node in document.nodes:
        if not isinstance(node, syntax.ScheduleEvent) or node.repeat is None:
            continue
        text, zone = subject.text(node.repeat), "UTC"
        if isinstance(node.attributes, syntax.Map):
            named = (value for key, value in node.attributes.entries if subject.text(key) == ZONE)
            given = next(named, None)
            if given is not None and (zone := subject.text(given) or "") == "":
                continue  # the zone is known only when the rule runs
        if text is None:
            continue
        try:
            spec = Timespec.parse(text, zone, almanac)
        except PicoschedError:
            continue  # `check` reports it
        yield Repeat(node, spec, subject.meant(node.repeat))
