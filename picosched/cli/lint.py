"""What can be told of a ruleset's schedules before it runs, beyond what the compiler refuses.

A `schedule` whose time is a literal can be tried at once, so a time that is none is found by
`picosched check` and not by the rule that fails a week later. Warnings are of what works and may still
surprise. They know the defaults of an engine's settings, not those of the engine that will run the ruleset.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, fields
from datetime import timedelta
from typing import Literal

from picosched.clock import EPOCH
from picosched.errors import KrlError, PicoschedError
from picosched.krl import syntax
from picosched.krl.library.time import moment
from picosched.krl.resolver import CLASSIC_DOMAINS
from picosched.krl.ruleset import Ruleset
from picosched.krl.source import Source
from picosched.pico.effects import STEERING
from picosched.schedule.timespec import Timespec
from picosched.settings import Settings

Severity = Literal["error", "warning"]

DEFAULTS = Settings()
WITH_SECONDS = 6
"""So many fields, and more, begin with the seconds."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something to say about a place in a ruleset."""

    severity: Severity
    error: KrlError

    @property
    def place(self) -> tuple[int, int]:
        span = self.error.span
        return (span.line, span.column) if span else (0, 0)


def findings(ruleset: Ruleset) -> list[Finding]:
    """What is to be said of a ruleset that compiles, in the order of its text."""
    found: list[Finding] = []
    for rule in ruleset.tree.rules:
        if rule.state != "inactive" and rule.postlude:
            for statement in _schedules(rule.postlude):
                found += _Look(ruleset, statement).findings()
    return sorted(found, key=lambda each: each.place)


def of_error(error: KrlError) -> list[Finding]:
    """The faults that kept a ruleset from compiling."""
    return [Finding("error", each) for each in (error, *error.others)]


def _schedules(node: syntax.Node) -> Iterator[syntax.ScheduleEvent]:
    if isinstance(node, syntax.ScheduleEvent):
        yield node
        return
    for each in fields(node):
        value = getattr(node, each.name)
        for child in value if isinstance(value, tuple) else (value,):
            if isinstance(child, syntax.Node):
                yield from _schedules(child)


class _Look:
    """One `schedule` statement, looked at from all sides."""

    def __init__(self, ruleset: Ruleset, statement: syntax.ScheduleEvent) -> None:
        self._ruleset = ruleset
        self._source: Source = ruleset.source
        self._statement = statement
        self._found: list[Finding] = []

    def findings(self) -> list[Finding]:
        self._event()
        if self._statement.at is not None:
            self._at(self._statement.at)
        if self._statement.repeat is not None:
            self._repeat(self._statement.repeat)
        return self._found

    def _say(self, severity: Severity, message: str, node: syntax.Node) -> None:
        span = self._source.span(node.start, node.end)
        self._found.append(Finding(severity, KrlError(message, span)))

    def _event(self) -> None:
        domain, type = self._names()
        if domain is None:
            return
        if domain not in CLASSIC_DOMAINS:
            known = ", ".join(CLASSIC_DOMAINS)
            self._say(
                "warning",
                f'schedules an event of the domain "{domain}", which classic engines refuse; '
                f"theirs are {known}",
                self._statement,
            )
        # A scheduled event comes back to the ruleset that made it, and to no other.
        if type is not None and not self._ruleset.salient(domain, type):
            self._say(
                "warning",
                f"schedules {domain}:{type}, which no rule of {self._ruleset.rid} selects: "
                "it will come back and nothing will happen",
                self._statement,
            )

    def _names(self) -> tuple[str | None, str | None]:
        """The domain and type as far as they are literal."""
        type = self._statement.type
        word = type.value if isinstance(type, syntax.Literal) and isinstance(type.value, str) else None
        if self._statement.domain is not None:
            return self._statement.domain, word
        if word is None or ":" not in word:
            return None, None
        domain, _, rest = word.replace(" ", "").partition(":")
        return domain, rest

    def _at(self, at: syntax.Expression) -> None:
        if isinstance(at, syntax.Literal):
            try:
                # The epoch stands in for now, which only a time without a date would ask for.
                moment(at.value, EPOCH, "schedule … at")
            except KrlError as error:
                self._say("error", error.message, at)
        if self._attribute("_name") is not None:
            self._say(
                "warning", "_name keeps a repeat from being made twice; an at ignores it", self._statement
            )

    def _repeat(self, repeat: syntax.Expression) -> None:
        if not isinstance(repeat, syntax.Literal):
            return
        if not isinstance(repeat.value, str):
            self._say(
                "error", 'found a timespec that is not a string, wanted one such as "0 9 * * *"', repeat
            )
            return
        tz = self._attribute("_timezone")
        try:
            timespec = Timespec.parse(repeat.value, tz or "UTC")
        except PicoschedError as error:
            self._say("error", error.message, repeat)
            return
        if len(repeat.value.split()) >= WITH_SECONDS:
            self._say(
                "warning",
                f'the first field of "{repeat.value}" are the seconds, '
                f"and due times are rounded up to {DEFAULTS.granularity} s unless granularity is set",
                repeat,
            )
        period = timespec.period()
        if period is not None and period < timedelta(seconds=DEFAULTS.min_period):
            self._say(
                "warning",
                f"comes every {period.total_seconds():g} s, and one schedule fires "
                f"no more often than every {DEFAULTS.min_period} s unless min_period is set",
                repeat,
            )

    def _attribute(self, name: str) -> str | None:
        """A steering attribute, if it is given as a literal string."""
        assert name in STEERING
        attributes = self._statement.attributes
        if isinstance(attributes, syntax.Map):
            for key, value in attributes.entries:
                if (
                    isinstance(key, syntax.Literal)
                    and key.value == name
                    and isinstance(value, syntax.Literal)
                ):
                    return value.value if isinstance(value.value, str) else None
        return None
