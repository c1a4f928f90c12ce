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
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import reduce

from picosched.timespec.almanac import Consulted
from picosched.timespec.cron import read_cron
from picosched.timespec.dates import DATE_LIKE, read_dates, told, whole
from picosched.timespec.days import ALWAYS, Days
from picosched.timespec.duration import read_duration
from picosched.timespec.fields import Fields
from picosched.timespec.maps import map_end, read_map
from picosched.timespec.phrases import Phrase, is_phrase, read_phrase
from picosched.timespec.place import Place
from picosched.timespec.start import Start, written
from picosched.timespec.sun import SUN_LIKE, Sun
from picosched.timespec.times import Every, Part, Times, both, every, union, without
from picosched.timespec.tokens import QUOTED
from picosched.timespec.wall import WallTimes
from picosched.timespec.words import day_words, in_words, joined, span_words
from picosched.timespec.zone import is_utc

MAX_TERMS = 64
MAX_DEPTH = 24

EXCEPT, UNION, MEET, ALONE = range(4)

_CALENDAR = re.compile(rf"(holidays|calendar)\s*\(\s*({QUOTED})\s*\)", re.IGNORECASE)
_CALENDAR_LIKE = re.compile(r"(?:holidays|calendar)\b", re.IGNORECASE)
_QUOTED = re.compile(QUOTED)
_BLANK = re.compile(r"\s*", re.ASCII)
_OPERATOR = re.compile(r"[|&()]|(?<!\w)except(?!\w)", re.IGNORECASE)
_IN_LIST = re.compile(
    _OPERATOR.pattern + r"|,(?=\s|$|[0-9]{4}-[0-9]{2}-|--[0-9])|(?<=[0-9]{4}-[0-9]{2}-[0-9]{2}),",
    re.IGNORECASE,
)
_ISO_DURATION = re.compile(r"[+-]?P(?=[0-9T])", re.IGNORECASE)
_MIDNIGHT: Times = (WallTimes(),)


@dataclass(frozen=True)
class Term:
    """A parsed text: its normal form, its times, its explanation, and its precedence.

    For a term without times of day, `days` says whether its days come from dates or from a phrase. `open`
    says that it counts from a start which it was not given; only such a term may have no times at all.
    """

    text: str
    times: Times
    words: Callable[[], str]
    rank: int = ALONE
    days: str = ""
    open: bool = False


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
        self.text, self.utc, self.consulted, self.start = text, is_utc(tz), consulted, start
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
            end = _end_of_term(self.text, self.at, _IN_LIST if in_list else _OPERATOR)
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
        return _term(text, place, self.utc, self.consulted, self.start)

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


def _end_of_term(text: str, at: int, operators: re.Pattern[str]) -> int:
    """Where the term that begins at `at` ends: at the first operator that is not within quotes."""
    if '"' not in text and "'" not in text:
        operator = operators.search(text, at)
        return operator.start() if operator else len(text)
    if named := _CALENDAR.match(text, at):
        return named.end()
    while operator := operators.search(text, at):
        quoted = _QUOTED.search(text, at)
        if quoted is None or quoted.start() > operator.start():
            return operator.start()
        at = quoted.end()
    return len(text)


def _term(text: str, place: Place, utc: bool, consulted: Consulted, start: Start | None) -> Term:
    """Parse a text without operators."""
    if DATE_LIKE.match(text):
        normal, times, whole_days = read_dates(text, place)
        return Term(normal, (times,), lambda: told(normal), days="dates" if whole_days else "")
    if like := _CALENDAR_LIKE.match(text):
        named = _CALENDAR.fullmatch(text)
        if named is None:
            raise place.fault(text, f'a name in parentheses and quotes, as in {like[0].lower()}("…")')
        read = consulted.holidays if named[1].lower() == "holidays" else consulted.calendar
        calendar = read(named[2][1:-1], place)
        days = (whole(calendar.days),) if calendar.days else ()
        return Term(calendar.text, days, lambda: f"on {calendar.words}", days="dates")
    if text.startswith("{"):
        normal, fields = read_map(text, place, consulted)
        return _of_fields(normal, fields, utc)
    if text[:6].lower() == "@every" or _ISO_DURATION.match(text):
        normal, counted = read_duration(text, place)
        return _of_fields(normal, counted, utc)
    if SUN_LIKE.search(text):
        return _of_sun(text, place, consulted, start)
    if is_phrase(text):
        return _of_phrase(read_phrase(text, place, consulted, start and start.local.date()), place, utc)
    normal, fields = read_cron(text, place)
    return _of_fields(normal, fields, utc)


def _of_phrase(phrase: Phrase, place: Place, utc: bool) -> Term:
    fields = phrase.fields
    days = fields.days()
    if not days and not phrase.open:
        raise place.fault(phrase.text, "days that exist: it never fires")
    if phrase.seconds is not None:
        return _of_interval(phrase, phrase.seconds, days, utc)
    if phrase.timed:
        return replace(_of_fields(phrase.text, fields, utc), open=phrase.open)
    return Term(phrase.text, (whole(days),), lambda: day_words(fields), days="phrase", open=phrase.open)


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
    )


def _of_sun(text: str, place: Place, consulted: Consulted, start: Start | None) -> Term:
    from picosched.timespec.sun_phrases import read_sun  # late, as its head says

    said = read_sun(text, place)
    sun = Sun(said.event, consulted.location(said.place, place), said.shift)
    if not said.rest.strip():
        return Term(said.text, (sun,), lambda: said.words)
    phrase = read_phrase(said.rest, place, consulted, start and start.local.date())
    if phrase.timed or phrase.seconds is not None:
        raise place.fault(said.rest.strip(), f"days: {said.event} is the time")
    days = phrase.fields.days()
    times = (replace(sun, days=days),) if days else ()
    words = f"{said.words} {day_words(phrase.fields)}"
    return Term(f"{said.text} {phrase.text}", times, lambda: words, open=phrase.open)


def _of_fields(text: str, says: Fields | int, utc: bool) -> Term:
    if isinstance(says, int):
        return Term(text, every(says, utc), lambda: span_words(says, utc))
    times = says.times()
    parts: Sequence[Part] = () if times is None else (replace(times, elapsed=False) if utc else times,)
    return Term(text, tuple(parts), lambda: in_words(says))


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
