"""Expectations of what will fire: sentences, checked by a rehearsal, or those of a timespec by its times.

    at most 100 fires in any minute of 2026-12
    at most 1 fire of reminder:due in any day
    reminder fires at 09:00 every weekday in Europe/Berlin but holidays("DE-BE") of 2026
    never fires between 22:00 and 06:00 in Europe/Berlin
    reminder never fires from 2026-12-24 to 2026-12-27

Who fires is the id or name of a schedule, the `domain:type` of an event, or a `rid.rule`; nobody means every
schedule. What a minute or a day is, the clocks of the zone say, or those of UTC. A period is a year, a month,
a day, or `from TIME to TIME`, without its end; it begins now if it has begun. Without one it is the next 31
days, and of a timespec `fires` is proved for all times.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, time, timedelta
from itertools import islice
from typing import NamedTuple
from zoneinfo import ZoneInfo

from picosched.clock import MILLISECOND, format_time, rounded_up, shifted
from picosched.engine.engine import Engine
from picosched.engine.known_rules import rules_of
from picosched.errors import PicoschedError
from picosched.frozen import frozen
from picosched.rehearsal.simulate import simulate
from picosched.schedule.filter import Filter
from picosched.timespec.almanac import Almanac
from picosched.timespec.timespec import Timespec
from picosched.timespec.zone import check_zone

USUAL = timedelta(days=31)
MOST_FIRES = 1_000_000
MOST_SHOWN = 3
UNITS = {"second": "seconds", "minute": "minutes", "hour": "hours", "day": "days"}

PERIOD = re.compile(
    r" (?:of (?P<year>\d{4})(?:-(?P<month>\d\d)(?:-(?P<day>\d\d))?)?|from (?P<from>\S+) to (?P<to>\S+))$"
)
ZONE = re.compile(r" in (?P<zone>UTC|[A-Za-z_]+(?:/[A-Za-z0-9_+-]+)+)(?= |$)")
AT_MOST = re.compile(r"at most (?P<most>\d{1,9}) fires?(?: of (?P<what>\S+))? in any (?P<unit>\w+)")
NEVER = re.compile(r"(?:(?P<what>.+) )?never fires(?: between (?P<first>\d\d:\d\d) and (?P<last>\d\d:\d\d))?")
FIRES = re.compile(r"(?P<what>.+?) fires (?P<times>.+)")
WANTED = (
    "wanted `at most N fires [of WHAT] in any UNIT`, `WHAT fires TIMES` or `[WHAT] never fires "
    "[between HH:MM and HH:MM]`, and then `in ZONE` and a period: `of 2026-12`, or `from TIME to TIME`"
)


class Fired(NamedTuple):
    """A fire to come: when, and what it may be called."""

    at: datetime
    names: tuple[str, ...]


@frozen
class Expectation:
    """What a sentence expects. One of `most`, `times` and neither, which means never."""

    text: str
    tz: str
    start: datetime | None
    end: datetime | None
    what: str | None = None
    most: int | None = None
    unit: str = "minute"
    times: Timespec | None = None
    between: tuple[time, time] | None = None
    """The local times from which and until which nothing may fire; None for all day."""


def read_expectation(text: str, almanac: Almanac) -> Expectation:
    """The expectation that a sentence writes; PicoschedError `invalid` for another one."""
    rest = " ".join(text.split())
    zone = ZONE.search(rest)
    tz = "UTC" if zone is None else zone["zone"]
    check_zone(tz)
    plain = rest if zone is None else rest[: zone.start()] + rest[zone.end() :]
    start = end = None
    if (period := PERIOD.search(plain)) is not None:
        start, end = _period(period, ZoneInfo(tz))
        plain = plain[: period.start()]
    if (found := AT_MOST.fullmatch(plain)) is not None and found["unit"] in UNITS:
        most = int(found["most"])
        return Expectation(text, tz, start, end, found["what"], most, unit=found["unit"])
    if plain.startswith("at most "):
        raise PicoschedError(f"found the expectation `{text}`, {WANTED}; UNIT is one of {', '.join(UNITS)}")
    if (found := NEVER.fullmatch(plain)) is not None:
        hours = None
        if found["first"] is not None:
            try:
                hours = time.fromisoformat(found["first"]), time.fromisoformat(found["last"])
            except ValueError as cause:
                raise PicoschedError(f"found `{text}`, wanted times from 00:00 to 23:59") from cause
        return Expectation(text, tz, start, end, found["what"], between=hours)
    if (found := FIRES.fullmatch(plain)) is not None:
        spec = re.sub(r"\bbut\b", "except", found["times"])
        spec = re.sub(r"\bholidays\b(?!\()", 'calendar("holidays")', spec)
        return Expectation(text, tz, start, end, found["what"], times=Timespec.parse(spec, tz, almanac))
    raise PicoschedError(f"found the expectation `{text}`, {WANTED}")


def expect(subject: Engine | Timespec, text: str) -> None:
    """AssertionError with what was found instead, if what the sentence expects will not hold.

    Of an engine a copy is rehearsed, so nothing is changed; of a timespec its times are what fires. Errors
    are those of `unmet`.
    """
    found = unmet(subject, text)
    if found is not None:
        raise AssertionError(f"expected {text}: {found}")


def unmet(subject: Engine | Timespec, text: str) -> str | None:
    """What there will be instead of what the sentence expects; None if it will hold.

    PicoschedError `invalid` for a sentence that cannot be read and a period that is over, `not_found` for a
    name that nothing has, `too_large` for more than a million fires.
    """
    if isinstance(subject, Timespec):
        return _of_timespec(subject, read_expectation(text, subject.almanac))
    wanted = read_expectation(text, subject.settings.almanac)
    now = subject.now()
    start = max(now, wanted.start or now)
    end = wanted.end or shifted(now, USUAL)
    if end <= start:
        raise PicoschedError(f"found `{text}`, whose period is over at {format_time(now)}")
    fires = [*islice(_rehearsed(subject, now, start, end), MOST_FIRES + 1)]
    _check_number(fires)
    if wanted.what is not None:
        fires = [each for each in fires if wanted.what in each.names]
        if not fires and not _is_known(subject, wanted.what):
            raise PicoschedError(
                f"found {wanted.what}, wanted the name or id of a schedule, a domain:type or a rid.rule",
                "not_found",
            )
    return _unmet(wanted, fires, start, end, subject.settings.granularity)


def _of_timespec(subject: Timespec, wanted: Expectation) -> str | None:
    if wanted.start is None or wanted.end is None:
        if wanted.times is None:
            raise PicoschedError(f"found `{wanted.text}`, wanted a period behind it: of 2026, for example")
        same = subject == wanted.times
        return None if same else f"it fires {subject.explain()}, not {wanted.times.explain()}"
    fires = [Fired(each, ()) for each in islice(subject.between(wanted.start, wanted.end), MOST_FIRES + 1)]
    _check_number(fires)
    return _unmet(wanted, fires, wanted.start, wanted.end, 1)


def _check_number(fires: list[Fired]) -> None:
    if len(fires) > MOST_FIRES:
        raise PicoschedError(f"found more than {MOST_FIRES:,} fires, wanted a shorter period", "too_large")


def _rehearsed(engine: Engine, now: datetime, start: datetime, end: datetime) -> Iterator[Fired]:
    """What a copy of an engine will raise from a time until before another."""
    until = end - MILLISECOND
    for record in simulate([], now, until, store=engine.store, settings=engine.settings):
        cause = record.scheduled
        if cause is not None and start <= cause.nominal < end:
            rules = [
                f"{each['rid']}.{each['rule']}" for each in record.considered if each["outcome"] == "fired"
            ]
            names = (cause.name or cause.id, f"{record.domain}:{record.type}", cause.id, *rules)
            yield Fired(cause.nominal, names)


def _is_known(engine: Engine, what: str) -> bool:
    if any(what in (row.name, row.id, row.event) for row in engine.agenda.scheduled(Filter(status=()))):
        return True
    known = rules_of(engine)
    return not known.complete or what in known.rules or what in known.keys


def _unmet(
    wanted: Expectation, fires: list[Fired], start: datetime, end: datetime, granularity: int
) -> str | None:
    if wanted.most is not None:
        return _too_many(wanted, fires)
    if wanted.times is None:
        return _forbidden(wanted, fires)
    times = {rounded_up(each, granularity) for each in wanted.times.between(start, end)}
    found = {each.at for each in fires}
    lacking, beyond = sorted(times - found), sorted(found - times)
    parts = [f"it does not fire at {_shown(lacking)}"] if lacking else []
    parts += [f"it fires at {_shown(beyond)} too"] if beyond else []
    return "; ".join(parts) or None


def _too_many(wanted: Expectation, fires: list[Fired]) -> str | None:
    zone, step = ZoneInfo(wanted.tz), timedelta(**{UNITS[wanted.unit]: 1})
    counts: Counter[datetime] = Counter()
    for each in fires:
        local = each.at.astimezone(zone)
        day = local.replace(hour=0, minute=0, second=0, microsecond=0)
        # A day of a clock change has 23 or 25 hours; shorter units go by elapsed time.
        counts[day if wanted.unit == "day" else _floor(each.at, step)] += 1
    at, most = max(counts.items(), key=lambda each: each[1], default=(None, 0))
    if at is None or most <= wanted.most:  # type: ignore[operator]
        return None
    whose = Counter(each.names[0] for each in fires if each.names and at <= each.at < at + step)
    names = ", ".join(f"{number} of {name}" for name, number in whose.most_common(MOST_SHOWN))
    return f"{most} in the {wanted.unit} from {format_time(at)}{f': {names}' if names else ''}"


def _floor(at: datetime, step: timedelta) -> datetime:
    return at - (at - datetime(1970, 1, 1, tzinfo=UTC)) % step


def _forbidden(wanted: Expectation, fires: list[Fired]) -> str | None:
    zone, found = ZoneInfo(wanted.tz), list[datetime]()
    for each in fires:
        clock = each.at.astimezone(zone).time()
        if wanted.between is None or _lies_between(clock, *wanted.between):
            found.append(each.at)
    return f"it fires at {_shown(found)}" if found else None


def _lies_between(clock: time, first: time, last: time) -> bool:
    """Whether a time of day is from one to before another, which may be on the next day."""
    return first <= clock < last if first < last else clock >= first or clock < last


def _shown(times: Iterable[datetime]) -> str:
    found = [*times]
    text = ", ".join(map(format_time, found[:MOST_SHOWN]))
    return text if len(found) <= MOST_SHOWN else f"{text} and {len(found) - MOST_SHOWN:,} more times"


def _period(found: re.Match[str], zone: ZoneInfo) -> tuple[datetime, datetime]:
    try:
        if found["from"] is not None:
            start, end = (datetime.fromisoformat(each) for each in (found["from"], found["to"]))
            start, end = (each if each.tzinfo else each.replace(tzinfo=zone) for each in (start, end))
        elif found["day"] is not None:
            start = datetime(int(found["year"]), int(found["month"]), int(found["day"]), tzinfo=zone)
            end = start + timedelta(days=1)
        elif found["month"] is not None:
            year, month = int(found["year"]), int(found["month"])
            start = datetime(year, month, 1, tzinfo=zone)
            end = datetime(year + month // 12, month % 12 + 1, 1, tzinfo=zone)
        else:
            start = datetime(int(found["year"]), 1, 1, tzinfo=zone)
            end = datetime(int(found["year"]) + 1, 1, 1, tzinfo=zone)
    except ValueError as cause:
        raise PicoschedError(f"found the period `{found[0].strip()}`: {cause}") from cause
    if end <= start:
        raise PicoschedError(f"found the period `{found[0].strip()}`, wanted one that ends after it begins")
    return start.astimezone(UTC), end.astimezone(UTC)
