"""What a text says of the sun: `sunset - 30 minutes at "Berlin"`, `weekdays at sunrise in "Berlin"`.

The rest of the text names days. Read late: few timespecs go by the sun.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from picosched.timespec.days import DAY
from picosched.timespec.duration import read_duration
from picosched.timespec.place import Place
from picosched.timespec.sun import EVENTS, SUN_LIKE
from picosched.timespec.tokens import QUOTED

_SPAN = r"(?:[0-9]{1,5}(?:\.[0-9]{1,5})?\s*[A-Za-z]+\s*)+?"
_SUN = re.compile(
    rf"(?:\bat\s+)?(?:(?P<before>{_SPAN})\s*(?P<word>before|after)\s+)?\b(?P<event>{'|'.join(EVENTS)})"
    rf"(?:\s*(?P<sign>[+-])\s*(?P<span>{_SPAN}))?\s*\b(?:at|in)\s+(?P<place>{QUOTED})",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class SunSaid:
    """What a text says of the sun: the event, the shift, the name of the place, and the rest of the text."""

    event: str
    shift: int
    place: str
    rest: str
    """As long as the text, with blanks for what was read."""

    @property
    def text(self) -> str:
        """In normal form."""
        minutes = f" {'-' if self.shift < 0 else '+'} {_short(abs(self.shift))}" if self.shift else ""
        return f'{self.event}{minutes} at "{self.place}"'

    @property
    def words(self) -> str:
        """In words, as "30 minutes before sunset in …"."""
        said = f'{self.event} in "{self.place}"'
        if not self.shift:
            return f"at {said}"
        return f"{_long(abs(self.shift))} {'before' if self.shift < 0 else 'after'} {said}"


def read_sun(text: str, place: Place) -> SunSaid:
    """What a text says of the sun; PicoschedError `invalid` if it is not said so."""
    match = _SUN.search(text)
    if match is None:
        event = SUN_LIKE.search(text)
        assert event is not None  # or it would not be read here
        wanted = f'a place as well, as in {event[0].lower()} - 30 minutes at "Berlin"'
        raise place.fault(event[0], wanted, event.start())
    if match["before"] and match["span"]:
        raise place.fault(match["span"], "one time before or after it", match.start("span"))
    part = "before" if match["before"] else "span"
    shift = 0
    if match[part]:
        _, seconds = read_duration(match[part].strip(), place.on(match.start(part)))
        if not isinstance(seconds, int) or seconds >= DAY:
            raise place.fault(match[part].strip(), "less than 24 hours", match.start(part))
        earlier = match["sign"] == "-" or (match["word"] or "").lower() == "before"
        shift = -seconds if earlier else seconds
    rest = text[: match.start()] + " " * len(match[0]) + text[match.end() :]
    return SunSaid(match["event"].lower(), shift, match["place"][1:-1], rest)


def _short(seconds: int) -> str:
    hours, minutes, rest = seconds // 3_600, seconds // 60 % 60, seconds % 60
    return "".join(f"{n}{unit}" for n, unit in ((hours, "h"), (minutes, "m"), (rest, "s")) if n)


def _long(seconds: int) -> str:
    parts = ((seconds // 3_600, "hour"), (seconds // 60 % 60, "minute"), (seconds % 60, "second"))
    return " ".join(f"{n} {unit}{'s' * (n > 1)}" for n, unit in parts if n)
