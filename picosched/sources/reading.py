"""Parses and checks the declaration of a source.

An error names the source, the entry and the key, what was found and what was wanted. Unknown keys are
errors, because a silently ignored key is discovered only months later.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from picosched.clock import MILLISECOND, format_time, parse_time
from picosched.errors import PicoschedError, shortened
from picosched.krl.urls import shown_url
from picosched.schedule.failing import LEAST_WAIT
from picosched.schedule.scheduled import Misfire
from picosched.sources.crontab import CronLine, read_crontab
from picosched.sources.metronome import LEAST_INTERVAL
from picosched.sources.source import (
    CRONTAB,
    JOURNALLED_FROM,
    KINDS,
    METRONOME,
    TYPES,
    URL,
    Entry,
    Source,
    Target,
)
from picosched.sources.steering import KEYS as KEYS_OF_STEERING
from picosched.sources.steering import Steering, read_steering
from picosched.timespec.almanac import PLAIN, Almanac
from picosched.timespec.timespec import Timespec
from picosched.timespec.zone import check_zone

STEERING = tuple(KEYS_OF_STEERING)
COMMON = ("type", "name", "to", "tz", "event", "misfire", "journal", *STEERING)
KEYS = {
    "metronome": ("type", "name", "to", "event", "misfire", "journal", "interval", "start", *STEERING),
    "crononome": (*COMMON, "entries"),
    "crontab": (*COMMON, "entries", "file"),
}
ENTRY_KEYS = {
    "crononome": ("name", "expr", "payload", "tz", "misfire", *STEERING),
    "crontab": ("name", "when", "event", "attrs", "tz", "misfire", *STEERING),
}
EVENTS = {"metronome": "metronome:tick", "crononome": "crononome:trigger"}
"""The default events."""
POLICIES = {"metronome": "skip", "crononome": "skip", "crontab": "once"}
"""The default misfire policies."""

LONGEST_INTERVAL = 366 * 86_400_000
DEEPEST = 100

Table = Mapping[str, Any]


def load_sources(toml: Path, almanac: Almanac = PLAIN) -> tuple[Source, ...]:
    """The sources of a configuration file, its tables `[[source]]`; none if the file does not exist.
    PicoschedError `invalid` for an error in one of them.
    """
    import tomllib  # late, as in `settings`

    try:
        tables = tomllib.loads(toml.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return ()
    except OSError as cause:
        raise PicoschedError(f"{toml}: cannot be read: {cause.strerror}") from cause
    except UnicodeDecodeError as cause:
        raise PicoschedError(f"{toml}: is not UTF-8 text") from cause
    except tomllib.TOMLDecodeError as cause:
        raise PicoschedError(f"{toml}: is not TOML: {cause}") from cause
    given = tables.get("source", [])
    if not isinstance(given, list):
        raise PicoschedError(f"{toml}: source: found {_shown(given)}, wanted tables [[source]]")
    where = [f"{toml}, [[source]] {number}" for number in range(1, len(given) + 1)]
    found = tuple(
        read_source(each, place, folder=toml.parent, almanac=almanac)
        for each, place in zip(given, where, strict=True)
    )
    _check_once((each.name for each in found if each.name is not None), str(toml), "sources")
    return found


def read_source(
    given: object,
    where: str = "the source",
    *,
    folder: Path | None = None,
    again: bool = False,
    almanac: Almanac = PLAIN,
) -> Source:
    """The source declared by a map. `where` is its location for errors.

    The file of a cron table is relative to `folder`; without one, files are not allowed. With `again`, the
    declaration already has the file's entries.
    """
    table = _table(given, where)
    name = _text(table, "name", where) if "name" in table else None
    if name is not None:
        where = f'{where} "{name}"'
    type = _chosen(table, "type", where, TYPES)
    _check_keys(table, KEYS[type], where)
    _check_has(table, "to", where)
    to = _target(table["to"], f"{where}, to")
    interval, start, file = None, None, None
    if type == METRONOME:
        interval = _whole(table, "interval", where, LEAST_INTERVAL, LONGEST_INTERVAL)
        start = _time(table["start"], f"{where}, start") if "start" in table else None
        domain, kind = _event(table.get("event", EVENTS[type]), f"{where}, event")
        misfire, steering = _misfire(table, where, type), _steering(table, table, to, where)
        _check_tried(steering, interval * MILLISECOND, where)
        entries: tuple[Entry, ...] = (Entry(name or type, domain, kind, misfire, steering=steering),)
        given_entries: Sequence[Any] | None = None
    else:
        if "file" in table:
            file, given_entries = _file_entries(table, where, folder, again)
        else:
            _check_has(table, "entries", where)
            given_entries = _list(table["entries"], f"{where}, entries")
        entries = _entries(given_entries, table, type, to, where, almanac)
    slow = interval is None or interval >= JOURNALLED_FROM
    journal = _truth(table, "journal", where) if "journal" in table else slow
    normal = {key: _plain(value, f"{where}, {key}") for key, value in table.items()}
    if given_entries is not None:
        normal["entries"] = _plain(given_entries, f"{where}, entries")
    return Source(type, to, entries, name, journal, interval, start, file, normal)


def _entries(
    given: Sequence[Any], table: Table, type: str, to: Target, where: str, almanac: Almanac
) -> tuple[Entry, ...]:
    if not given:
        raise PicoschedError(f"{where}, entries: found none, wanted at least one")
    found = tuple(
        _entry(each, table, type, to, f"{where}, entry {number}", almanac)
        for number, each in enumerate(given, 1)
    )
    _check_once((each.name for each in found), where, "entries")
    return found


def _entry(given: object, source: Table, type: str, to: Target, where: str, almanac: Almanac) -> Entry:
    table = _table(given, where)
    _check_has(table, "name", where)
    name = _text(table, "name", where)
    where = f'{where} "{name}"'
    _check_keys(table, ENTRY_KEYS[type], where)
    when, holds = ("when", "attrs") if type == CRONTAB else ("expr", "payload")
    _check_has(table, when, where)
    tz = _zone(table if "tz" in table else source, where)
    try:
        timespec = Timespec.parse(table[when], tz, almanac)
    except PicoschedError as error:
        raise PicoschedError(f"{where}, {when}: {error.message}", error.code) from error
    event = table.get("event", source.get("event", EVENTS.get(type)))
    if event is None:
        raise PicoschedError(f'{where}: found no event, wanted event = "domain:type"')
    domain, kind = _event(event, f"{where}, event")
    attrs = _plain(table[holds], f"{where}, {holds}") if holds in table else None
    if type == CRONTAB and attrs is not None and not isinstance(attrs, dict):
        raise PicoschedError(f"{where}, attrs: found {_shown(attrs)}, wanted a map")
    misfire = _misfire(table if "misfire" in table else source, where, type)
    steering = _steering(table, source, to, where)
    _check_tried(steering, None if steering.retry is None else timespec.period(), where)
    return Entry(name, domain, kind, misfire, timespec, table[when], attrs, steering)


def _steering(entry: Table, source: Table, to: Target, where: str) -> Steering:
    steering = read_steering(entry, source, _time, where)
    if steering.retry is not None and to.kind == URL:
        raise PicoschedError(
            f"{where}: found retry with a url, wanted it without: such an event is tried until it is taken"
        )
    return steering


def _check_tried(steering: Steering, period: timedelta | None, where: str) -> None:
    """There is no further try once the next occurrence is due."""
    if steering.retry is not None and period is not None and period <= LEAST_WAIT:
        found = f"found retry with an occurrence every {period.total_seconds():g} s"
        wanted = f"one every {LEAST_WAIT.total_seconds():g} s at most, as nothing is tried again once"
        raise PicoschedError(f"{where}: {found}, wanted less than {wanted} the next is due")


def _file_entries(table: Table, where: str, folder: Path | None, again: bool) -> tuple[str, Sequence[Any]]:
    """The file of a cron table, and its entries: those already in the declaration, or else read from it."""
    file = _text(table, "file", where)
    if again:
        return file, _list(table["entries"], f"{where}, entries")
    if "entries" in table:
        raise PicoschedError(f"{where}: found both entries and file, wanted one of them")
    if folder is None:
        raise PicoschedError(f"{where}, file: only picosched.toml and Python may name a file", "refused")
    path = folder / Path(file).expanduser()
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as cause:
        raise PicoschedError(f"{where}, file: there is no file {path}", "not_found") from cause
    except OSError as cause:
        raise PicoschedError(f"{where}, file: {path} cannot be read: {cause.strerror}") from cause
    except UnicodeDecodeError as cause:
        raise PicoschedError(f"{where}, file: {path} is not UTF-8 text") from cause
    lines = read_crontab(text, str(path), _zone(table, where))
    if not lines:
        raise PicoschedError(f"{where}, file: {path} has no entry")
    return file, [_of_line(each) for each in lines]


def _of_line(line: CronLine) -> dict[str, Any]:
    attrs = {"command": [*line.command], "env": dict(line.env), "line": line.number}
    return {"name": line.name, "when": line.when, "tz": line.tz, "event": "proc:run", "attrs": attrs}


def _target(given: object, where: str) -> Target:
    wanted = f"exactly one of {', '.join(KINDS)}"
    if not isinstance(given, Mapping):
        raise PicoschedError(f'{where}: found {_shown(given)}, wanted a map, such as {{"pico": "kitchen"}}')
    _check_keys(given, KINDS, where)
    if len(given) != 1:
        found = " and ".join(given) or "none"
        raise PicoschedError(f"{where}: found {found}, wanted {wanted}")
    ((kind, _),) = given.items()
    name = _text(given, kind, where)
    if kind == URL:
        _check_url(name, f"{where}, url")
        name = name.rstrip("/")
    return Target(kind, name)


def _check_url(url: str, where: str) -> None:
    wanted = '"http://host:port/c/ECI" or "http://host:port/sky/event/ECI"'
    try:
        parts = urlsplit(url)
        fine = parts.scheme in ("http", "https") and bool(parts.hostname) and (parts.port or 1) > 0
    except ValueError:
        fine = False
    path = [] if not fine else parts.path.rstrip("/").split("/")
    before = path[-3:-1] if path[-3:-2] == ["sky"] else path[-2:-1]
    if not fine or parts.query or parts.fragment or not path[-1]:
        raise PicoschedError(f"{where}: found {_shown(shown_url(url))}, wanted {wanted}")
    if before not in (["c"], ["sky", "event"]):
        raise PicoschedError(f"{where}: found {_shown(shown_url(url))}, wanted {wanted}")


def _event(given: object, where: str) -> tuple[str, str]:
    domain, colon, type = given.partition(":") if isinstance(given, str) else ("", "", "")
    if not (colon and domain and type) or ":" in type or any(each.isspace() for each in domain + type):
        raise PicoschedError(f'{where}: found {_shown(given)}, wanted "domain:type"')
    return domain, type


def _misfire(table: Table, where: str, type: str) -> Misfire:
    if "misfire" not in table:
        return Misfire(POLICIES[type])
    return Misfire(_chosen(table, "misfire", where, [each.value for each in Misfire]))


def _zone(table: Table, where: str) -> str:
    if "tz" not in table:
        return "UTC"
    tz = _text(table, "tz", where)
    try:
        check_zone(tz)
    except PicoschedError as error:
        raise PicoschedError(f"{where}, tz: {error.message}", error.code) from error
    return tz


# ---- kinds of values --------------------------------------------------------------------------------


def _table(given: object, where: str) -> Table:
    if not isinstance(given, Mapping) or not all(isinstance(key, str) for key in given):
        raise PicoschedError(f"{where}: found {_shown(given)}, wanted a table")
    return given


def _list(given: object, where: str) -> Sequence[Any]:
    if not isinstance(given, (list, tuple)):
        raise PicoschedError(f"{where}: found {_shown(given)}, wanted a list of tables")
    return given


def _text(table: Table, key: str, where: str) -> str:
    value = table[key]
    if not isinstance(value, str) or not value.strip():
        raise PicoschedError(f"{where}, {key}: found {_shown(value)}, wanted a text")
    if "\0" in value:
        raise PicoschedError(f"{where}, {key}: found {_shown(value)}, wanted a text without a NUL character")
    return value


def _truth(table: Table, key: str, where: str) -> bool:
    value = table[key]
    if not isinstance(value, bool):
        raise PicoschedError(f"{where}, {key}: found {_shown(value)}, wanted true or false")
    return value


def _whole(table: Table, key: str, where: str, least: int, most: int) -> int:
    _check_has(table, key, where)
    value = table[key]
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        wanted = f"a whole number of milliseconds from {least} to {most:,}"
        raise PicoschedError(f"{where}, {key}: found {_shown(value)}, wanted {wanted}")
    return value


def _time(value: object, where: str) -> datetime:
    if isinstance(value, datetime) and value.tzinfo is not None:
        value = format_time(value)  # of TOML, where a time may stand as one
    if not isinstance(value, str):
        wanted = 'an ISO 8601 time such as "2026-03-01T09:30:00Z"'
        raise PicoschedError(f"{where}: found {_shown(value)}, wanted {wanted}")
    try:
        return parse_time(value)
    except PicoschedError as error:
        raise PicoschedError(f"{where}: {error.message}") from error


def _chosen(table: Table, key: str, where: str, choices: Sequence[str]) -> str:
    wanted = ", ".join(choices)
    _check_has(table, key, where, f"one of {wanted}")
    value = table[key]
    if not isinstance(value, str) or value not in choices:
        near = get_close_matches(str(value), choices, n=1)
        meant = f'did you mean "{near[0]}"?' if near else f"wanted one of {wanted}"
        raise PicoschedError(f"{where}, {key}: found {_shown(value)}, {meant}")
    return value


def _plain(value: Any, where: str, depth: int = 0) -> Any:
    """A copy of a JSON value; times of TOML as ISO 8601."""
    if depth > DEEPEST:
        raise PicoschedError(f"{where}: found more than {DEEPEST} levels, wanted fewer", "too_large")
    if isinstance(value, Mapping) and all(isinstance(key, str) for key in value):
        return {key: _plain(each, where, depth + 1) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each, where, depth + 1) for each in value]
    if isinstance(value, datetime) and value.tzinfo is not None:
        return format_time(value)
    if isinstance(value, date):
        return value.isoformat()
    if value is None or isinstance(value, (str, int)) or (isinstance(value, float) and math.isfinite(value)):
        return value
    raise PicoschedError(f"{where}: found {_shown(value)}, wanted JSON")


def _check_keys(table: Table, known: Sequence[str], where: str) -> None:
    for key in table:
        if key not in known:
            near = get_close_matches(key, known, n=1)
            meant = f'did you mean "{near[0]}"?' if near else f"wanted some of {', '.join(known)}"
            raise PicoschedError(f'{where}: found the key "{key}", {meant}')


def _check_has(table: Table, key: str, where: str, wanted: str | None = None) -> None:
    if key not in table:
        meant = "" if wanted is None else f", wanted {wanted}"
        raise PicoschedError(f'{where}: the key "{key}" is missing{meant}')


def _check_once(names: Iterable[str], where: str, what: str) -> None:
    seen: set[str] = set()
    for name in names:
        if name in seen:
            raise PicoschedError(f'{where}: found two {what} named "{name}", wanted names that differ')
        seen.add(name)


def _shown(value: object) -> str:
    text = f'"{value}"' if isinstance(value, str) else repr(value)
    if isinstance(value, bool):
        text = text.lower()
    return shortened(text, 80)
