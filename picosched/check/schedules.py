"""What can be told of a schedule before it runs.

A time or timespec that the text gives can be tried at once: then it is not the rule that fails, a week later.
The warnings know the defaults of an engine's settings, not those of the engine that will run the ruleset.
"""

from __future__ import annotations

from datetime import timedelta

from picosched.check.subject import Subject
from picosched.clock import EPOCH
from picosched.errors import KrlError, PicoschedError
from picosched.krl import syntax
from picosched.krl.library.time import moment
from picosched.schedule.timespec import Timespec
from picosched.schedule.zone import check_zone
from picosched.settings import Settings

DEFAULTS = Settings()
WITH_SECONDS = 6
"""So many fields, and more, begin with the seconds."""


def look_at_schedules(subject: Subject) -> None:
    for node in subject.nodes:
        if isinstance(node, syntax.ScheduleEvent):
            if node.at is not None:
                _at(subject, node, node.at)
            if node.repeat is not None:
                _repeat(subject, node, node.repeat)


def _at(subject: Subject, node: syntax.ScheduleEvent, at: syntax.Expression) -> None:
    literal = subject.constant(at)
    if literal is not None:
        try:
            # The epoch stands in for now, which only a time without a date would ask for.
            moment(literal.value, EPOCH, "schedule … at")
        except KrlError as error:
            subject.say("E303", error.message, at)
    for name, why in (
        ("_name", "keeps a repeat from being made twice"),
        ("_timezone", "is the zone of a timespec"),
    ):
        if _attribute(node, name) is not None:
            subject.say("W404", f"{name} {why}: an at ignores it", node)


def _repeat(subject: Subject, node: syntax.ScheduleEvent, repeat: syntax.Expression) -> None:
    literal = subject.constant(repeat)
    zone = _zone(subject, node)
    if literal is None:
        return
    text = literal.value
    if not isinstance(text, str):
        subject.say("E304", 'found a timespec that is not a string, wanted one such as "0 9 * * *"', repeat)
        return
    try:
        timespec = Timespec.parse(text, zone)
    except PicoschedError as error:
        subject.say("E304", error.message, repeat)
        return
    period = timespec.period()
    if period is not None and period < timedelta(seconds=DEFAULTS.min_period):
        said = f"comes every {period.total_seconds():g} s, and one schedule fires no more often than"
        subject.say("W403", f"{said} every {DEFAULTS.min_period} s unless min_period is set", repeat)
    if len(text.split()) >= WITH_SECONDS:
        said = f'the first field of "{text}" are the seconds, and due times are rounded up'
        subject.say("W402", f"{said} to {DEFAULTS.granularity} s unless granularity is set", repeat)


def _zone(subject: Subject, node: syntax.ScheduleEvent) -> str:
    """The zone that the attributes name, if it is known and there is one; else UTC."""
    given = _attribute(node, "_timezone")
    literal = None if given is None else subject.constant(given)
    if given is None or literal is None or literal.value is None:
        return "UTC"
    try:
        check_zone(literal.value)
    except PicoschedError as error:
        subject.say("E305", error.message, given)
        return "UTC"
    return str(literal.value)


def _attribute(node: syntax.ScheduleEvent, name: str) -> syntax.Expression | None:
    """What steers a schedule stands among the attributes of its event."""
    if isinstance(node.attributes, syntax.Map):
        for key, value in node.attributes.entries:
            if isinstance(key, syntax.Literal) and key.value == name:
                return value
    return None
