"""Versions: which texts of a ruleset a pico had, since when, from where, and who installed each.

The last MOST of a ruleset on a pico are kept, as long as it has the ruleset. Their texts are kept by hash.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import unified_diff
from typing import Any

from picosched.errors import PicoschedError, lines_of
from picosched.hashed import SHORT
from picosched.schedule.record import COUNT, NAME, TEXT, TIME, Field, Table

MOST = 20
"""Versions kept of a ruleset on one pico."""

MOST_LINES = 20_000
"""Lines of a text that is compared; comparing longer ones may take minutes."""


UNSEEN = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
"""Characters that nobody sees, but for the tab."""
LAST = r"\ no line break at the end"
"""Below a line that has none."""


@dataclass(frozen=True, slots=True)
class Version:
    """A text that was installed."""

    pico_id: str
    rid: str
    hash: str
    origin: str | None
    at: datetime
    by: str
    """Who installed it: somebody from outside, a rule, or the server with the standard rulesets."""
    seq: int = 0

    def as_json(self) -> dict[str, Any]:
        return _to_map(self)


VERSION = Table(
    "version",
    Version,
    Field("seq", COUNT, numbered=True),
    Field("pico_id", NAME, column="pico", json="pico_id"),
    Field("rid", NAME),
    Field("hash", NAME),
    Field("origin", TEXT.maybe),
    Field("at", TIME),
    Field("by", NAME, column="made_by"),
)
_to_map = VERSION.to_map()


def read_version(told: Mapping[str, Any]) -> Version:
    """A version of a server, as `as_json` gives it."""
    from picosched.fields import Fields  # late: only for what a server answers

    fields = Fields(told, "the version")
    pico, rid, hash, by = (fields.text(name) for name in ("pico_id", "rid", "hash", "by"))
    return Version(pico, rid, hash, fields.maybe_text("origin"), fields.time("at"), by, fields.whole("seq"))


def diff_of(before: str, after: str, names: tuple[str, str]) -> str:
    """What differs between two texts, as a unified diff; empty if nothing does. `too_large`.

    Characters that cannot be seen are written as in a string, and so is the end of a line that is not "\\n".
    """
    old, new = lines_of(before), lines_of(after)
    if max(len(old), len(new)) > MOST_LINES:
        raise PicoschedError(f"found more than {MOST_LINES:,} lines to compare", "too_large")
    lines = unified_diff(old, new, *names, lineterm="")
    return "".join(f"{_seen(line) if number > 1 else line}\n" for number, line in enumerate(lines))


def _seen(line: str) -> str:
    """A line of a diff, after its two lines of names, without its end."""
    text = line.removesuffix("\n")
    shown = UNSEEN.sub(lambda found: found[0].encode("unicode_escape").decode(), text)
    is_last = text == line and not line.startswith("@@") and not line.endswith("\r")
    return f"{shown}\n{LAST}" if is_last else shown


def chosen(versions: list[Version], hash: str | None = None) -> Version:
    """Of versions, newest first: the one with this beginning of a hash, or the last that is not installed.

    `not_found`, or `conflict` if several have the beginning.
    """
    others = [each for each in versions[1:] if each.hash != versions[0].hash]
    if hash is None:
        if not others:
            raise PicoschedError("there is no version to go back to", "not_found")
        return others[0]
    found = {each.hash: each for each in versions if hash and each.hash.startswith(hash)}
    if not found:
        known = ", ".join(dict.fromkeys(each.hash[:SHORT] for each in versions))
        raise PicoschedError(
            f"there is no version {hash[:64] or '(an empty one)'}, wanted one of {known}", "not_found"
        )
    if len(found) > 1:
        raise PicoschedError(f"{len(found)} versions begin with {hash}: give more characters", "conflict")
    return next(iter(found.values()))
