"""Timespecs that a text gives: whether they can be read, and what there is to say of their calendars.

The settings of the engine that will run the ruleset may name calendars that nobody knows here: an unknown one
is a warning.
"""

from __future__ import annotations

from typing import Any

from picosched.check.subject import Subject
from picosched.errors import PicoschedError
from picosched.krl import syntax
from picosched.timespec.timespec import Timespec


def read_timespec(
    subject: Subject, spec: str | dict[str, Any], zone: str, node: syntax.Node
) -> Timespec | None:
    """The timespec; None if it cannot be read, which is reported."""
    try:
        timespec = Timespec.parse(spec, zone, subject.almanac)
    except PicoschedError as error:
        known = error.code == "invalid"
        hint = "" if known else "; the settings of the engine must have it"
        subject.say("E304" if known else "W408", error.message + hint, node)
        return None
    ending = None if subject.now is None else timespec.ending(subject.now)
    if ending:
        subject.say("W409", ending, node)
    if timespec.plain_business_days:
        said = "business days are Monday to Friday unless business_days is set"
        subject.say("W410", f'{said}, or a calendar is named: business days of "DE-BY"', node)
    return timespec
