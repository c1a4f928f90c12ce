"""Parses timespecs combined by operators.

    expression := union { "except" union { "," union } }
    union      := meet { "|" meet }
    meet       := term { "&" term }
    term       := "(" expression ")" | a map | dates | a calendar | a duration | a phrase | cron text

A term ends where an operator begins. After `except`, a comma separates list items if a space or a date
follows, so cron fields keep theirs; a phrase with commas needs parentheses there.

Dates and calendars are whole days; so is a phrase with days but no time as an operand of `except` or `&`.
Elsewhere such a phrase means 00:00, and a date alone is refused, because it would fire every second of the
day.
"""

from __future__ import annotations

import re
from functools import reduce
from typing import TYPE_CHECKING

from picosched.errors import PicoschedError
from picosched.timespec.almanac import Consulted
from picosched.timespec.dates import DATE_LIKE
from picosched.timespec.drawn import RANGE
from picosched.timespec.maps import map_end
from picosched.timespec.place import Place
from picosched.timespec.start import Start
from picosched.timespec.terms import ALONE, CALENDAR, EXCEPT, MEET, UNION, Term, read_term, writing
from picosched.timespec.times import Times, both, union, without
from picosched.timespec.tokens import QUOTED
from picosched.timespec.wall import WallTimes
from picosched.timespec.words import joined
from picosched.timespec.zone import is_utc

if TYPE_CHECKING:
    from picosched.timespec.rrule_writing import Lines

MAX_TERMS = 64
MAX_DEPTH = 24

_QUOTED = re.compile(QUOTED)
_BLANK = re.compile(r"\s*", re.ASCII)
_OPERATOR = re.compile(r"[|&()]|(?<!\w)except(?!\w)", re.IGNORECASE)
_IN_LIST = re.compile(
    _OPERATOR.pattern + r"|,(?=\s|$|[0-9]{4}-[0-9]{2}-|--[0-9])|(?<=[0-9]{4}-[0-9]{2}-[0-9]{2}),",
    re.IGNORECASE,
)
_MIDNIGHT: Times = (WallTimes(),)


def read(text: str, tz: str, consulted: Consulted, start: Start | None = None) -> Term:
    """Parse a whole text, for local time in a zone and with the start of what counts from one.

    PicoschedError `invalid` if it is not a timespec, and those of the almanac for what it does not have.
    """
    reader = _Reader(text, tz, consulted, start)
    found = reader.expression(0, False)
    if reader.at < len(text):
        raise reader.place().fault(text[reader.at :], "nothing more, or one of | & except")
    return reader.timed(found, Place(text))


class _Reader:
    """A recursive-descent parser over the text."""

    def __init__(self, text: str, tz: str, consulted: Consulted, start: Start | None) -> None:
        self.text, self.tz, self.utc = text, tz, is_utc(tz)
        self.consulted, self.start = consulted, start
        self.at = 0
        self.terms = 0

    def place(self) -> Place:
        return Place(self.text, self.at + 1)

    def expression(self, depth: int, in_list: bool) -> Term:
        if depth > MAX_DEPTH:
            raise self.place().fault("(", f"at most {MAX_DEPTH} nested parentheses")
        place = self.place()
        found = self.union(depth, in_list)
        while self.took("except"):
            items = [self.union(depth, True)]
            while self.took(","):
                items.append(self.union(depth, True))
            if any(not item.days for item in items):
                found = self.timed(found, place)
            found = self.less(found, items)
        return found

    def union(self, depth: int, in_list: bool) -> Term:
        place = self.place()
        found = [self.meet(depth, in_list)]
        while self.took("|"):
            found.append(self.meet(depth, in_list))
        if len(found) == 1:
            return found[0]
        if not all(term.days for term in found):
            found = [self.timed(term, place) for term in found]
        return Term(
            " | ".join(_within(term, UNION) for term in found),
            union(part for term in found for part in term.times),
            lambda: "; and ".join(_told_within(term, UNION) for term in found),
            UNION,
            _days_of(found),
            any(term.open for term in found),
            lambda: _lines_of_union(found),
        )

    def meet(self, depth: int, in_list: bool) -> Term:
        found = [self.term(depth, in_list)]
        while self.took("&"):
            found.append(self.term(depth, in_list))
        if len(found) == 1:
            return found[0]
        return Term(
            " & ".join(_within(term, MEET) for term in found),
            reduce(lambda one, other: both(one, other, self.utc), (term.times for term in found)),
            lambda: ", only ".join(_told_within(term, MEET) for term in found),
            MEET,
            _days_of(found) if all(term.days for term in found) else "",
            any(term.open for term in found),
        )

    def less(self, left: Term, items: list[Term]) -> Term:
        taken = union(part for item in items for part in item.times)
        return Term(
            f"{left.text} except {', '.join(_in_list(item) for item in items)}",
            without(left.times, taken, self.utc),
            lambda: f"{_told_within(left, EXCEPT)}, except {_told_list(items)}",
            EXCEPT,
            left.days,
            left.open or any(item.open for item in items),
            lambda: _lines_without(left, taken, self.utc),
        )

    def timed(self, term: Term, place: Place) -> Term:
        """`term` as times: days of a phrase become midnights, dates are refused."""
        if not term.days:
            return term
        if term.days == "dates":
            raise place.fault(
                term.text,
                "a time as well, as in 2026-12-24T09:00: a date alone is the whole day, for except and &",
            )
        alone = term.rank == ALONE
        text = f"{term.text} at 00:00" if alone else f"{_within(term, MEET)} & 0 0 * * *"
        return Term(
            text,
            both(term.times, _MIDNIGHT, self.utc),
            lambda: f"at 00:00 {_told_within(term, MEET)}",
            ALONE if alone else MEET,
            open=term.open,
            lines=term.lines,
        )

    def term(self, depth: int, in_list: bool) -> Term:
        self.skip()
        if self.took("("):
            found = self.expression(depth + 1, False)
            if not self.took(")"):
                raise self.place().fault(self.text[self.at :], ") or one of | & except")
            return found
        place = self.place()
        if self.text.startswith("{", self.at):
            end = map_end(self.text, self.at)
        else:
            end = self.end_of_term(_IN_LIST if in_list else _OPERATOR)
        text = self.text[self.at : end].rstrip(" \t\n\r\f\v")
        self.at = end
        self.skip()
        if not self.text.strip():
            place = Place(self.text)
        elif not text:
            raise place.fault(self.text[self.at :], "a timespec")
        if not DATE_LIKE.match(text):
            self.terms += 1
            if self.terms > MAX_TERMS:
                raise place.fault(text, f"a timespec of at most {MAX_TERMS} terms")
        return read_term(text, place, self.tz, self.consulted, self.start)

    def end_of_term(self, operators: re.Pattern[str]) -> int:
        """Where the next operator is that is not within quotes, nor a parenthesis of `H(0-29)`."""
        text, at = self.text, self.at
        if named := CALENDAR.match(text, at):
            return named.end()
        quotes = '"' in text or "'" in text
        while operator := operators.search(text, at):
            drawn_from = RANGE.match(text, max(operator.start() - 1, 0)) if operator[0] == "(" else None
            quoted = _QUOTED.search(text, at) if quotes else None
            if drawn_from is not None:
                at = drawn_from.end()
            elif quoted is not None and quoted.start() < operator.start():
                at = quoted.end()
            else:
                return operator.start()
        return len(text)

    def took(self, operator: str) -> bool:
        self.skip()
        if self.text[self.at : self.at + len(operator)].lower() != operator:
            return False
        self.at += len(operator)
        self.skip()
        return True

    def skip(self) -> None:
        blank = _BLANK.match(self.text, self.at)
        self.at = blank.end() if blank else self.at


def _lines_of_union(terms: list[Term]) -> Lines | None:
    found = terms[0].lines()
    for term in terms[1:]:
        lines = term.lines()
        found = None if lines is None or found is None else writing().united(found, lines)
    return found


def _lines_without(left: Term, taken: Times, utc: bool) -> Lines | None:
    lines = left.lines()
    if lines is None:
        return None
    try:
        met = both(left.times, taken, utc)
    except PicoschedError:  # they never meet, and are of kinds that cannot be combined
        return None
    found: Lines | None = writing().without(lines, met)
    return found


def _days_of(terms: list[Term]) -> str:
    """The `days` of several terms if all of them are days only: a phrase among them wins."""
    if not all(term.days for term in terms):
        return ""
    return "phrase" if any(term.days == "phrase" for term in terms) else "dates"


def _within(term: Term, rank: int) -> str:
    return term.text if term.rank >= rank else f"({term.text})"


def _in_list(term: Term) -> str:
    return f"({term.text})" if term.rank == EXCEPT or ", " in term.text else term.text


def _told_within(term: Term, rank: int) -> str:
    return term.words() if term.rank >= rank else f"({term.words()})"


def _told_list(terms: list[Term]) -> str:
    """A list in words, with a single "on" for consecutive dates."""
    parts: list[str] = []
    on_dates = False
    for term in terms:
        words = _told_within(term, MEET)
        is_date = term.days == "dates" and words.startswith("on ")
        parts.append(words.removeprefix("on ") if is_date and on_dates else words)
        on_dates = is_date
    return joined(parts)
