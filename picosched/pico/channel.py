"""A channel: an eci, and the policies for events and queries that may come through it.

A policy has patterns `domain:type` (events) or `rid:name` (queries) where `*` matches any. Denied events and
queries are refused first; then some pattern must allow them.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from picosched.errors import PicoschedError

SHOWN = 4
"""Patterns of a policy shown in a list."""


@dataclass(frozen=True, slots=True)
class Policy:
    """Patterns that allow and deny; deny wins."""

    allow: tuple[str, ...] = ("*:*",)
    deny: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Its first patterns, and how many more it has."""
        patterns = self.patterns
        more = f" and {len(patterns) - SHOWN:,} more" if len(patterns) > SHOWN else ""
        return " ".join(patterns[:SHOWN]) + more

    @property
    def patterns(self) -> list[str]:
        """All its patterns, for people."""
        return [*(self.allow or ("nothing",)), *(f"not {each}" for each in self.deny)]

    def refusal(self, first: str, second: str) -> str | None:
        """Why `first:second` may not pass; None if it may."""
        for pattern in self.deny:
            if _matches(pattern, first, second):
                return "denied by the channel's policy"
        for pattern in self.allow:
            if _matches(pattern, first, second):
                return None
        return "not allowed by the channel's policy"


@dataclass(frozen=True, slots=True)
class Channel:
    """A channel of one pico."""

    eci: str
    pico_id: str
    tags: tuple[str, ...] = ()
    events: Policy = Policy()
    queries: Policy = Policy()
    kin: str | None = None
    """For a family channel: the id of the parent or child that alone may use it."""
    eci_of_kin: str | None = None
    """For a family channel: the eci of that pico's channel."""

    def is_tagged(self, tags: Iterable[str]) -> bool:
        """Whether it has exactly these tags, in any order."""
        return set(self.tags) == set(tags)

    def check_event(self, domain: str, type: str) -> None:
        """PicoschedError `refused` if a caller may not raise this event here."""
        self._check(self.events, domain, type, "event")

    def check_query(self, rid: str, name: str) -> None:
        """PicoschedError `refused` if a caller may not make this query here."""
        self._check(self.queries, rid, name, "query")

    def _check(self, policy: Policy, first: str, second: str, what: str) -> None:
        refusal = "for its family only" if self.kin else policy.refusal(first, second)
        if refusal is not None:
            raise PicoschedError(f"the {what} {first}:{second} is {refusal}", "refused")


def new_policy(allow: Iterable[str], deny: Iterable[str] = ()) -> Policy:
    """A policy of patterns `domain:type`, with `*` for any; `invalid` for any other form."""
    return Policy(tuple(map(_checked, allow)), tuple(map(_checked, deny)))


def new_tags(tags: Iterable[str]) -> tuple[str, ...]:
    """Tags in lower case, with characters other than letters and digits as `-`, as given, each once."""
    return tuple(dict.fromkeys(re.sub(r"[^a-z0-9]", "-", tag.strip().lower()) for tag in tags))


def _checked(pattern: str) -> str:
    first, colon, second = pattern.partition(":")
    if not (colon and first.strip() and second.strip()):
        raise PicoschedError(f'found the pattern "{pattern}", wanted "domain:type" with * for any')
    return f"{first.strip()}:{second.strip()}"


def _matches(pattern: str, first: str, second: str) -> bool:
    if pattern == "*:*":
        return True
    wanted_first, _, wanted_second = pattern.partition(":")
    return wanted_first in ("*", first) and wanted_second in ("*", second)
