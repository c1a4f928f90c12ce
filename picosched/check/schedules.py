"""Static checks of schedules.

A time, a timespec or what steers a schedule can be tried at once where the text gives it: then it is not
the rule that fails, a week later. The warnings go by the settings of the engine that will run the ruleset;
where they are not known, by the defaults.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from picosched.check.subject import Subject
from picosched.clock import EPOCH
from picosched.errors import KrlError, PicoschedError
from picosched.krl import syntax
from picosched.krl.moments import moment
from picosched.krl.values import to_string
from picosched.schedule.failing import LEAST_WAIT
from picosched.schedule.steering import (
    IF_EXISTS,
    NAME,
    RETRY,
    STEERING,
    ZONE,
    nearest_steering,
    read_steering,
)
from picosched.settings import Settings
from picosched.timespec.zone import check_zone

FIELD = r"(?:[\d*?/,#-]|jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec|mon|tue|wed|thu|fri|sat|sun|l|w)+"
WITH_SECONDS = re.compile(rf"\s*(?:{FIELD}\s+){{5}}{FIELD}(?:\s|$)", re.IGNORECASE)
"""With this many fields or more, the first is the seconds."""

DEEPEST = 10
"""So deep is looked for a value: what names itself has none."""

Attributes = Mapping[str, syntax.Expression]


def look_at_schedules(subject: Subject) -> None:
    for node in subject.nodes:
        if isinstance(node, syntax.ScheduleEvent):
            attributes = dict(_attributes(node))
            if node.at is not None:
                _at(subject, node, node.at, attributes)
            if node.repeat is not None:
                _repeat(subject, node.repeat, attributes)
            _steering(subject, attributes, repeat=node.repeat is not None)


def _at(subject: Subject, node: syntax.ScheduleEvent, at: syntax.Expression, attributes: Attributes) -> None:
    literal = subject.constant(at)
    if literal is not None:
        try:
            _time(literal.value, "schedule … at")
        except KrlError as error:
            subject.say("E303", error.message, at)
    for name, why, useful_with in (
        (NAME, f"alone does not keep an at from being made twice: that takes {IF_EXISTS}", IF_EXISTS),
        (ZONE, "is the zone of a timespec: an at ignores it", None),
    ):
        if name in attributes and useful_with not in attributes:
            subject.say("W404", f"{name} {why}", node)


def _time(value: Any, asked: str) -> datetime:
    # The epoch stands in for now, which only a time without a date would ask for.
    return moment(value, EPOCH, asked)


def _repeat(subject: Subject, repeat: syntax.Expression, attributes: Attributes) -> None:
    zone = _zone(subject, attributes.get(ZONE))
    found = _known(subject, repeat)
    if not found:
        return
    spec = found[0]
    if not isinstance(spec, str | dict):
        said = 'found a timespec that is not a string, wanted one such as "0 9 * * *", or a map'
        subject.say("E304", said, repeat)
        return
    timespec = subject.timespec(spec, zone, repeat)
    if timespec is None:
        return
    period = timespec.period()
    settings = subject.settings
    if period is not None and period < timedelta(seconds=settings.min_period):
        said = f"comes every {period.total_seconds():g} s, and one schedule fires no more often than"
        why = ", the min_period of the settings" if subject.knows_settings else " unless min_period is set"
        subject.say("W403", f"{said} every {settings.min_period} s{why}", repeat)
    elif period is not None and RETRY in attributes and period <= (wait := _least_wait(settings)):
        said = (
            f"comes every {period.total_seconds():g} s, and {RETRY} waits {wait.total_seconds():g} s at least"
        )
        subject.say("W412", f"{said}: nothing is tried again once the next is due", repeat)
    if isinstance(spec, str) and WITH_SECONDS.match(spec) and settings.granularity > 1:
        said = f'the first field of "{spec}" are the seconds, and due times are rounded up'
        why = ", the granularity of the settings" if subject.knows_settings else " unless granularity is set"
        subject.say("W402", f"{said} to {settings.granularity} s{why}", repeat)


def _least_wait(settings: Settings) -> timedelta:
    """The shortest wait before something is tried again, rounded up to the granularity."""
    granularity = timedelta(seconds=settings.granularity)
    return -(-LEAST_WAIT // granularity) * granularity


def _zone(subject: Subject, given: syntax.Expression | None) -> str:
    """The zone that the attributes name, if it is known and there is one; else UTC."""
    literal = None if given is None else subject.constant(given)
    if given is None or literal is None or literal.value is None:
        return "UTC"
    try:
        check_zone(literal.value)
    except PicoschedError as error:
        subject.say("E305", error.message, given)
        return "UTC"
    return str(literal.value)


def _steering(subject: Subject, attributes: Attributes, *, repeat: bool) -> None:
    """What steers the schedule is read one by one, as the engine reads it, where its value is known."""
    for name, node in attributes.items():
        if name not in STEERING:
            if near := nearest_steering(name):
                subject.say("W405", f"{name} is passed to the event as it is: is {near} meant?", node)
            continue
        found = _known(subject, node)
        if not found or (name == ZONE and repeat):  # reported as E305
            continue
        given = {name: found[0]}
        if name == IF_EXISTS and NAME in attributes:
            given[NAME] = NAME
        try:
            read_steering(given, repeat=repeat, time_of=_time)
        except PicoschedError as error:
            subject.say("E306", error.message, node)


def _known(subject: Subject, node: syntax.Expression, depth: int = DEEPEST) -> tuple[Any] | None:
    """The value of an expression, if it is statically known: a literal, or an array or a map of literals."""
    if not depth:
        return None
    match subject.meant(node):
        case syntax.Literal(value=value):
            return (value,)
        case syntax.Prefix(operator="-", operand=operand):
            found = _known(subject, operand, depth - 1)
            return (-found[0],) if found and type(found[0]) in (int, float) else None
        case syntax.Array(items=items):
            values = [_known(subject, each, depth - 1) for each in items]
            return None if None in values else ([each[0] for each in values if each],)
        case syntax.Map(entries=entries):
            pairs = [
                (_known(subject, key, depth - 1), _known(subject, value, depth - 1)) for key, value in entries
            ]
            if any(key is None or value is None for key, value in pairs):
                return None
            return ({to_string(key[0]): value[0] for key, value in pairs if key and value},)
    return None


def _attributes(node: syntax.ScheduleEvent) -> Iterator[tuple[str, syntax.Expression]]:
    """What steers a schedule stands among the attributes of its event."""
    if isinstance(node.attributes, syntax.Map):
        for key, value in node.attributes.entries:
            if isinstance(key, syntax.Literal):
                yield to_string(key.value), value
