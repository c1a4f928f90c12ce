"""The terms of a timespec: texts without operators, of every form, with their times and words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from types import ModuleType
from typing import TYPE_CHECKING

from picosched.timespec.almanac import Consulted
from picosched.timespec.cron import read_cron
from picosched.timespec.dates import DATE_LIKE, read_dates, told, whole
from picosched.timespec.days import ALWAYS, Days
from picosched.timespec.drawn import drawn, is_hashed
from picosched.timespec.duration import read_duration
from picosched.timespec.fields import Fields
from picosched.timespec.maps import read_map
from picosched.timespec.phrases import Phrase, is_phrase, read_phrase
from picosched.timespec.place import Place
from picosched.timespec.start import Start, written
from picosched.timespec.sun import SUN_LIKE, Sun
from picosched.timespec.times import Every, Part, Times, both, every
from picosched.timespec.tokens import QUOTED
from picosched.timespec.words import day_words, in_words, span_words
from picosched.timespec.zone import is_utc

if TYPE_CHECKING:
    from picosched.timespec.rrule_writing import Lines

EXCEPT, UNION, MEET, ALONE = range(4)
"""Precedences."""

CALENDAR = re.compile(rf"(holidays|calendar)\s*\(\s*({QUOTED})\s*\)", re.IGNORECASE)
_CALENDAR_LIKE = re.compile(r"(?:holidays|calendar)\b", re.IGNORECASE)
_RULE = re.compile(r"(?:(?:DTSTART|RRULE|RDATE|EXDATE|EXRULE)[:;]|FREQ=)", re.IGNORECASE)
_ISO_DURATION = re.compile(r"[+-]?P(?=[0-9T])", re.IGNORECASE)


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


def read_term(text: str, place: Place, tz: str, consulted: Consulted, start: Start | None) -> Term:
    """Parse a text without operators."""
    if DATE_LIKE.match(text):
        normal, times, whole_days = read_dates(text, place)
        return Term(
            normal,
            (times,),
            lambda: told(normal),
            days="dates" if whole_days else "",
            lines=lambda: None if whole_days else writing().of_moments((times,)),
        )
    if like := _CALENDAR_LIKE.match(text):
        named = CALENDAR.fullmatch(text)
        if named is None:
            raise place.fault(text, f'a name in parentheses and quotes, as in {like[0].lower()}("…")')
        read = consulted.holidays if named[1].lower() == "holidays" else consulted.calendar
        calendar = read(named[2][1:-1], place)
        days = (whole(calendar.days),) if calendar.days else ()
        return Term(calendar.text, days, lambda: f"on {calendar.words}", days="dates")
    if _RULE.match(text):
        return _of_rules(text, place, tz, start)
    if text.startswith("{"):
        normal, fields = read_map(text, place, consulted)
        return _of_fields(normal, fields, tz)
    if text[:6].lower() == "@every" or _ISO_DURATION.match(text):
        normal, counted = read_duration(text, place)
        return _of_fields(normal, counted, tz)
    if SUN_LIKE.search(text):
        return _of_sun(text, place, consulted, start)
    if is_hashed(text):
        normal, fields = read_cron(drawn(text, place, "" if start is None else start.id), place)
        shown = " ".join(text.upper().split()) if start is None else normal
        return replace(_of_fields(shown, fields, tz), open=start is None)
    if is_phrase(text):
        return _of_phrase(read_phrase(text, place, consulted, start and start.local.date()), place, tz)
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
        lines=lambda: writing().of_fields(fields, tz),
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
    return Term(text, tuple(parts), lambda: in_words(says), lines=lambda: writing().of_fields(says, tz))


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
        lines=lambda: writing().of_recurrence(read),
    )


def writing() -> ModuleType:
    """What writes recurrence rules, which is rarely asked for."""
    from picosched.timespec import rrule_writing

    return rrule_writing


def _lines_of_interval(seconds: int, start: int | None, utc: bool) -> Lines | None:
    # Counted from 1970 in UTC, it has no fixed local times elsewhere.
    known = utc or start is not None
    found: Lines | None = writing().of_interval(seconds, start) if known else None
    return found
