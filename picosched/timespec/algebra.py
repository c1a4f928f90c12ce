"""Parses timespecs combined by operators.

    expression := union { "except" union { "," union } }
    union      := meet { "|" meet }
    meet       := term { "&" term }
    term       := "(" expression ")" | a map | dates | a duration | a phrase | cron text

A term ends where an operator begins. After `except`, a comma separates list items if a space or a date
follows, so cron fields keep theirs; a phrase with commas needs parentheses there.

Dates are whole days; so is a phrase with days but no time as an operand of `except` or `&`. Elsewhere such
a phrase means 00:00, and a date alone is refused, because it would fire every second of the day.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from types import ModuleType
from typing import TYPE_CHECKING

from picosched.timespec.cron import read_cron
from picosched.timespec.dates import DATE_LIKE, read_dates, told, whole
from picosched.timespec.days import ALWAYS, Days
from picosched.timespec.duration import read_duration
from picosched.timespec.fields import Fields
from picosched.timespec.hashed import RANGE, drawn, is_hashed
from picosched.timespec.maps import map_end, read_map
from picosched.timespec.phrases import Phrase, is_phrase, read_phrase
from picosched.timespec.place import Place
from picosched.timespec.start import Start, written
from picosched.timespec.times import Every, Part, Times, both, every, union, without
from picosched.timespec.wall import WallTimes
from picosched.timespec.words import day_words, in_words, joined, span_words
from picosched.timespec.zone import is_utc

if TYPE_CHECKING:
    from picosched.timespec.rrule_writing import Lines

MAX_TERMS = 64
MAX_DEPTH = 24

EXCEPT, UNION, MEET, ALONE = range(4)

_BLANK = re.compile(r"\s*", re.ASCII)
_OPERATOR = re.compile(r"[|&()]|(?<!\w)except(?!\w)", re.IGNORECASE)
_IN_LIST = re.compile(
    _OPERATOR.pattern + r"|,(?=\s|$|[0-9]{4}-[0-9]{2}-|--[0-9])|(?<=[0-9]{4}-[0-9]{2}-[0-9]{2}),",
    re.IGNORECASE,
)
_RULE = re.compile(r"(?:(?:DTSTART|RRULE|RDATE|EXDATE|EXRULE)[:;]|FREQ=)", re.IGNORECASE)
_ISO_DURATION = re.compile(r"[+-]?P(?=[0-9T])", re.IGNORECASE)
_MIDNIGHT: Times = (WallTimes(),)


@dataclass(frozen=True)
class Term:
    """A parsed text: its normal form, its times, its explanation, and its precedence.

    For a term without times of day, `days` says whether its days come from dates or from a phrase. `open`
    says that it needs a start, or an id, which it was not given; only such a term may have no times at all.
    `lines` gives those of a recurrence rule, if there is one.
    """

    text: str
    times: Times
    words: Callable[[], str]
    rank: int = ALONE
    days: str = ""
    open: bool = False
    lines: Callable[[], Lines | None] = lambda: None


def read(text: str, tz: str, start: Start | None = None) -> Term:
    """Parse a whole text, for local time in a zone and with the start of what counts from one.

    PicoschedError `invalid` if it is not a timespec.
    """
    reader = _Reader(text, tz, start)
    found = reader.expression(0, False)
    if reader.at < len(text):
        raise reader.place().fault(text[reader.at :], "nothing more, or one of | & except")
    return reader.timed(found, Place(text))


class _Reader:
    """A recursive-descent parser over the text."""

    def __init__(self, text: str, tz: str, start: Start | None) -> None:
        self.text, self.tz, self.utc, self.start = text, tz, is_utc(tz), start
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
            lambda: _lines_without(left, both(left.times, taken, self.utc)),
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
        return _term(text, place, self.tz, self.start)

    def end_of_term(self, operators: re.Pattern[str]) -> int:
        """Where the next operator is; the parentheses of `H(0-29)` are none."""
        at = self.at
        while operator := operators.search(self.text, at):
            drawn_from = RANGE.match(self.text, max(operator.start() - 1, 0))
            if drawn_from is None or operator[0] != "(":
                return operator.start()
            at = drawn_from.end()
        return len(self.text)

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


def _term(text: str, place: Place, tz: str, start: Start | None) -> Term:
    """Parse a text without operators."""
    if DATE_LIKE.match(text):
        normal, times, whole_days = read_dates(text, place)
        return Term(
            normal,
            (times,),
            lambda: told(normal),
            days="dates" if whole_days else "",
            lines=lambda: None if whole_days else _writing().of_moments((times,)),
        )
    if _RULE.match(text):
        return _of_rules(text, place, tz, start)
    if text.startswith("{"):
        normal, fields = read_map(text, place)
        return _of_fields(normal, fields, tz)
    if text[:6].lower() == "@every" or _ISO_DURATION.match(text):
        normal, counted = read_duration(text, place)
        return _of_fields(normal, counted, tz)
    if is_hashed(text):
        normal, fields = read_cron(drawn(text, place, "" if start is None else start.id), place)
        shown = " ".join(text.upper().split()) if start is None else normal
        return replace(_of_fields(shown, fields, tz), open=start is None)
    if is_phrase(text):
        return _of_phrase(read_phrase(text, place, start and start.local.date()), place, tz)
    normal, fields = read_cron(text, place)
    return _of_fields(normal, fields, tz)


def _of_phrase(phrase: Phrase, place: Place, tz: str) -> Term:
    fields = phrase.fields
    days = fields.days()
    if not days and not phrase.open:
        raise place.fault(phrase.text, "days that exist: it never fires")
    if phrase.seconds is not None:
        return _of_interval(phrase, phrase.seconds, days, is_utc(tz))
    if phrase.timed:
        return replace(_of_fields(phrase.text, fields, tz), open=phrase.open)
    return Term(
        phrase.text,
        (whole(days),),
        lambda: day_words(fields),
        days="phrase",
        open=phrase.open,
        lines=lambda: _writing().of_fields(fields, tz),
    )


def _of_interval(phrase: Phrase, seconds: int, days: Days, utc: bool) -> Term:
    fields = phrase.fields
    if fields.start is None:
        times, counted = every(seconds, utc), ""
    else:
        times, counted = (Every(seconds, start=fields.start),), f" from {written(fields.start)}"
    limited = replace(fields, start=None).days() != ALWAYS
    if limited:
        times = both(times, (whole(days),), utc)
    return Term(
        phrase.text,
        times,
        lambda: (
            span_words(seconds, utc)
            + (f" {day_words(replace(fields, start=None))}" if limited else "")
            + counted
        ),
        open=phrase.open,
        lines=lambda: None if limited else _lines_of_interval(seconds, fields.start, utc),
    )


def _of_fields(text: str, says: Fields | int, tz: str) -> Term:
    utc = is_utc(tz)
    if isinstance(says, int):
        return Term(
            text,
            every(says, utc),
            lambda: span_words(says, utc),
            lines=lambda: _lines_of_interval(says, None, utc),
        )
    times = says.times()
    parts: Sequence[Part] = () if times is None else (replace(times, elapsed=False) if utc else times,)
    return Term(text, tuple(parts), lambda: in_words(says), lines=lambda: _writing().of_fields(says, tz))


def _of_rules(text: str, place: Place, tz: str, start: Start | None) -> Term:
    """The rules of iCalendar; their modules are imported when there are some."""
    from picosched.timespec.rrule import read_recurrence
    from picosched.timespec.rrule_times import times_of
    from picosched.timespec.rrule_words import recurrence_words

    read = read_recurrence(text, place, tz, start)
    times = times_of(read, tz, is_utc(tz))
    if not times and read.start is not None:
        raise place.fault(read.text, "a rule that allows some time: it never fires")
    return Term(
        read.text,
        times,
        lambda: recurrence_words(read),
        open=read.start is None,
        lines=lambda: _writing().of_recurrence(read),
    )


def _writing() -> ModuleType:
    """What writes recurrence rules, which is rarely asked for."""
    from picosched.timespec import rrule_writing

    return rrule_writing


def _lines_of_interval(seconds: int, start: int | None, utc: bool) -> Lines | None:
    # Counted from 1970 in UTC, it has no fixed local times elsewhere.
    known = utc or start is not None
    found: Lines | None = _writing().of_interval(seconds, start) if known else None
    return found


def _lines_of_union(terms: list[Term]) -> Lines | None:
    found = terms[0].lines()
    for term in terms[1:]:
        lines = term.lines()
        found = None if lines is None or found is None else _writing().united(found, lines)
    return found


def _lines_without(left: Term, taken: Times) -> Lines | None:
    lines = left.lines()
    return None if lines is None else _writing().without(lines, taken)


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
