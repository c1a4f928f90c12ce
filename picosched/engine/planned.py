"""A plan: what would change if rulesets were deployed now, in words, as Markdown and as JSON.

The plan is data, with one set of words for Python, the command line, HTTP and the console.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from picosched.clock import format_time
from picosched.fields import Fields

NO_CHANGE, BROKEN, CHANGES = 0, 1, 2
"""The exit statuses of the command."""
UNCHANGED = "nothing to deploy: these rulesets are installed as they are"


@dataclass(frozen=True, slots=True)
class Deployed:
    """A ruleset that a pico would get."""

    pico: str
    rid: str
    new: bool
    """Whether the pico has no ruleset of that rid."""


@dataclass(frozen=True, slots=True)
class Counted:
    """How often something happens, before and after."""

    what: str
    before: int
    after: int
    differ: int = 0
    """Of an event: how many of those that come both before and after are handled differently."""

    def __str__(self) -> str:
        differ = f", {self.differ:,} differ" if self.differ else ""
        return f"{self.what}  {self.before:,} → {self.after:,}{differ}"


@dataclass(frozen=True, slots=True)
class OfPico:
    """What changes in a pico."""

    pico: str
    """Its name."""
    id: str
    counts: tuple[Counted, ...]
    """Events, rules by outcome, directives, requests, and occurrences that are let go."""
    state: tuple[str, ...]
    """Entity variables at the end: `rid.name: before → after`."""
    schedules: tuple[str, ...]
    """What is scheduled at the end: `- …` is gone, `+ …` is new."""

    def lines(self) -> Iterator[str]:
        yield from map(str, self.counts)
        yield from (f"state {each}" for each in self.state)
        yield from (f"{each[:2]}scheduled {each[2:]}" for each in self.schedules)


@dataclass(frozen=True, slots=True)
class DifferentEvent:
    """An event that is handled differently, is new or is gone; and others like it."""

    at: datetime
    pico: str
    event: str
    """With its attributes."""
    lines: tuple[str, ...]
    """`- …` as it is now, `+ …` as it would be."""
    count: int = 1
    """How many events differ like this one."""
    last: datetime | None = None
    """The time of the last of them."""

    @property
    def title(self) -> str:
        more = f" ({self.count:,} times, until {format_time(self.last)})" if self.last else ""
        return f"{format_time(self.at)}  {self.pico}  {self.event}{more}"


@dataclass(frozen=True, slots=True)
class Plan:
    """What would change."""

    since: datetime
    until: datetime
    deployed: tuple[Deployed, ...] = ()
    """The rulesets that differ from those installed, on each pico that would get them."""
    picos: tuple[OfPico, ...] = ()
    """The first picos in which something changes."""
    picos_more: int = 0
    differences: tuple[DifferentEvent, ...] = ()
    more: int = 0
    """Further differences, beyond those told."""
    fires_before: int = 0
    fires_after: int = 0
    """Occurrences of schedules and sources that are raised in picos that may be affected."""
    busiest: str | None = None
    """With the change, the minute with the most of these fires."""
    left_out: tuple[str, ...] = ()
    """The first picos and sources that were not rehearsed, since they cannot influence any of this."""
    left_out_more: int = 0
    raised: int = 0
    """Events raised in both rehearsals together."""
    cut: str | None = None
    """Why the rehearsal ended early, at `until`."""
    broken: tuple[str, ...] = ()
    """What was asserted and does not hold."""

    @property
    def status(self) -> int:
        """0 if nothing changes, 2 if something does, 1 if an assertion does not hold."""
        return BROKEN if self.broken else CHANGES if self.picos else NO_CHANGE

    @property
    def summary(self) -> list[str]:
        """What changes, without the single events."""
        span = f"from {format_time(self.since)} to {format_time(self.until)}"
        found = [f"deploy {_deployed(self.deployed)}" if self.deployed else UNCHANGED]
        if not self.deployed and not self.raised:
            return found
        found += [f"cut: {self.cut}"] if self.cut else []
        number = len(self.picos) + self.picos_more
        changes = f"{number:,} picos change" if number > 1 else "1 pico changes"
        if not self.picos:
            changes = "nothing changes"
        found.append(f"{changes}, {span}")
        busiest = f"; at most {self.busiest}" if self.busiest else ""
        found.append(f"fires {self.fires_before:,} → {self.fires_after:,}{busiest}")
        if self.left_out:
            more = f" and {self.left_out_more:,} more" if self.left_out_more else ""
            found.append(f"left out, without influence: {', '.join(self.left_out)}{more}")
        return [*found, *(f"BROKEN: {each}" for each in self.broken)]

    def lines(self) -> Iterator[str]:
        """The plan for people: the summary first, then pico by pico, then the events."""
        yield from self.summary
        for pico in self.picos:
            yield ""
            yield pico.pico
            yield from (f"  {line}" for line in pico.lines())
        if self.picos_more:
            yield f"and {self.picos_more:,} more picos"
        if self.differences:
            yield ""
        for each in self.differences:
            yield each.title
            yield from (f"  {line}" for line in each.lines)
        if self.more:
            yield f"and {self.more:,} more"

    def markdown(self) -> Iterator[str]:
        """The plan as a comment in a code review."""
        yield from (f"- {_escaped(line)}" for line in self.summary)
        for pico in self.picos:
            yield ""
            yield f"**{_escaped(pico.pico)}**"
            yield ""
            yield from _fenced(list(pico.lines()))
        if self.differences:
            yield ""
            number = len(self.differences)
            yield f"<details><summary>{number} difference{'s' if number > 1 else ''}</summary>"
            yield ""
            lines = [line for each in self.differences for line in (f"@@ {each.title} @@", *each.lines)]
            yield from _fenced(lines)
            yield ""
            yield "</details>"
        if self.more:
            yield f"and {self.more:,} more"

    def as_json(self) -> dict[str, Any]:
        told = asdict(self)
        told |= {"since": format_time(self.since), "until": format_time(self.until), "status": self.status}
        for each, one in zip(told["differences"], self.differences, strict=True):
            each |= {"at": format_time(one.at), "last": one.last and format_time(one.last)}
        return told


def read_plan(told: dict[str, Any]) -> Plan:
    """The answer of a server."""
    fields = Fields(told, "the server's answer")
    return Plan(
        fields.time("since"),
        fields.time("until"),
        tuple(
            Deployed(each.text("pico"), each.text("rid"), each.flag("new"))
            for each in fields.each("deployed")
        ),
        tuple(map(_read_pico, fields.each("picos"))),
        fields.whole("picos_more"),
        tuple(
            DifferentEvent(
                each.time("at"),
                each.text("pico"),
                each.text("event"),
                tuple(each.texts("lines")),
                each.whole("count"),
                each.maybe_time("last"),
            )
            for each in fields.each("differences")
        ),
        fields.whole("more"),
        fields.whole("fires_before"),
        fields.whole("fires_after"),
        fields.maybe_text("busiest"),
        tuple(fields.texts("left_out")),
        fields.whole("left_out_more"),
        fields.whole("raised"),
        fields.maybe_text("cut"),
        tuple(fields.texts("broken")),
    )


def _read_pico(told: Fields) -> OfPico:
    counts = (
        Counted(each.text("what"), each.whole("before"), each.whole("after"), each.whole("differ"))
        for each in told.each("counts")
    )
    state, schedules = tuple(told.texts("state")), tuple(told.texts("schedules"))
    return OfPico(told.text("pico"), told.text("id"), tuple(counts), state, schedules)


def _deployed(deployed: tuple[Deployed, ...]) -> str:
    """The rids, each with the picos that get it."""
    found: dict[str, list[Deployed]] = {}
    for each in deployed:
        found.setdefault(each.rid, []).append(each)
    said = []
    for rid, places in found.items():
        where = places[0].pico if len(places) == 1 else f"{len(places):,} picos"
        said.append(f"{rid} on {where}{' (new)' if places[0].new else ''}")
    return ", ".join(said)


def _fenced(lines: list[str]) -> Iterator[str]:
    """Lines as a block that shows them as they are, with + and - in colours."""
    fence = "```"
    while any(fence in line for line in lines):
        fence += "`"
    yield f"{fence}diff"
    yield from lines
    yield fence


def _escaped(text: str) -> str:
    return "".join(f"\\{each}" if each in "\\`*_<>[]|#" else each for each in text)
