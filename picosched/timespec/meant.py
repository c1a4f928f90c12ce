"""Words that people write and phrases do not have, each with what is written instead."""

from __future__ import annotations

from picosched.timespec.day_phrases import WEEK
from picosched.timespec.tokens import Tokens

TWO = {"biweekly": "every 2 weeks", "fortnightly": "every 2 weeks", "fortnight": "every 2 weeks"}
SHORT = {
    **dict.fromkeys(("s", "sec", "secs"), "second"),
    **dict.fromkeys(("m", "min", "mins"), "minute"),
    **dict.fromkeys(("h", "hr", "hrs"), "hour"),
    **dict.fromkeys(("d",), "day"),
    **dict.fromkeys(("w", "wk", "wks"), "week"),
}
UNITS = ("second", "minute", "hour", "day", "week", "month", "year")


def check_meant(tokens: Tokens) -> None:
    """A PicoschedError, `invalid`, if the next words are such, with what they mean."""
    word = tokens.peek()
    ahead = 1 if word in ("every", "each") else 0
    said = tokens.peek(ahead)
    if said in TWO:
        raise tokens.fault(_quoted(TWO[said], _weekday(tokens, ahead + 1)), back=-ahead)
    if said == "other" and ahead:
        following = tokens.peek(ahead + 1)
        instead = f"every 2 {following}s" if following in UNITS else "every 2 weeks"
        raise tokens.fault(_quoted(instead, following if following in WEEK else ""), back=-ahead)
    if said in SHORT and ahead:
        raise tokens.fault(_quoted(f"every {SHORT[said]}"), back=-ahead)
    if ahead and tokens.kind(1) == "number" and tokens.peek(2) in SHORT:
        raise tokens.fault(_quoted(f"every {said} {SHORT[tokens.peek(2)]}s"), back=-2)
    if word == "between":
        raise tokens.fault('"from 9:00 to 17:00", both of which are times, or "during hours 9 to 16"')


def _weekday(tokens: Tokens, ahead: int) -> str:
    """The weekday that comes there, with or without "on"; "" if none does."""
    word = tokens.peek(ahead + (tokens.peek(ahead) == "on"))
    return word if word in WEEK else ""


def _quoted(every: str, weekday: str = "") -> str:
    return f'"{every} on {weekday}"' if weekday else f'"{every}"'
