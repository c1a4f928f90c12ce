"""What an event came to, without places in the rulesets' texts.

The same rule elsewhere in its text, or from a file of another name, does the same. So texts are compared
without a place wherever the engine tells of one: in errors, in why a rule did not fire, and in the
attributes of its own events.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from picosched.schedule.happenings import DOMAIN as SCHEDULE

LINE = re.compile(r'("(?:[^"\\]|\\.)*")|\b(its (?:condition|`where`)) on line \d+')
"""A value in why a rule did not fire, which stays as it is, or the line of its condition."""

PLACE = re.compile(r".*?:\d+:\d+: ", re.DOTALL)
"""What an error begins with: the file, the line, the column."""

OF_ERRORS = ("data", "msg", "why")
"""The attributes of the engine's own events that have an error."""


def placeless_error(text: Any) -> Any:
    return PLACE.sub("", text, count=1) if isinstance(text, str) and PLACE.match(text) else text


def placeless_reason(considered: Mapping[str, Any]) -> str | None:
    """Why a rule did not fire."""
    why: str | None = considered["why"]
    if why is None or considered["outcome"] in ("notfired", "unselected", "waiting"):
        return why and LINE.sub(lambda found: found[1] or found[2], why)
    # An error of a rule has no place, and one of its globals has.
    return placeless_error(why) if considered["outcome"] == "failed" and considered["rule"] == "*" else why


def placeless_attrs(domain: str, type: str, attrs: Mapping[str, Any]) -> Mapping[str, Any]:
    """The attributes of an event; those of rules' own events stay as they are."""
    of_rule = (domain, type, attrs.get("genus")) == ("system", "error", "runtime")
    if not of_rule and domain != SCHEDULE:
        return attrs
    return {name: placeless_error(each) if name in OF_ERRORS else each for name, each in attrs.items()}
