"""The settings of an engine: one frozen dataclass, its defaults, and the places they are read from.

In this order, later ones win: the defaults here, `picosched.toml` (table `[engine]`), the environment
(`PICOSCHED_GRANULARITY=1`), the arguments of `Engine(…)`. Limits are set in the same way, by their own names
(`max_depth`, `PICOSCHED_MAX_DEPTH`). An unknown or invalid setting is an error that names the place, because
one silently ignored would be found months later.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from picosched.errors import PicoschedError
from picosched.krl.allowed import AllowedProgram, read_allowed
from picosched.krl.budget import Limits
from picosched.krl.keys import Key
from picosched.schedule.alert import Alert, alert_of
from picosched.schedule.window import Window, of_table
from picosched.timespec.almanac import PLAIN, Almanac

PREFIX = "PICOSCHED_"


@dataclass(frozen=True, slots=True)
class Settings:
    """How an engine behaves."""

    granularity: int = 60
    """Seconds; due times are rounded up to a multiple of it."""
    min_period: int = 599
    """The minimum seconds between two fires of a repeating schedule."""
    misfire: str = "once"
    """How to handle missed occurrences: "once", "skip" or "all"."""
    durability: str = "full"
    """"full": on disk before a caller gets an answer; "normal": a power cut may lose the last commits."""
    history_days: int = 30
    """The minimum days that fires, the journal and finished schedules are kept."""
    recorded_bytes: int = 64_000
    """The maximum bytes of the random numbers and answers that are kept of a turn, for replays; 0 keeps
    none."""
    snapshots_in: str = ""
    """A folder for snapshots of the database, from which the past can be replayed; by default there are
    none."""
    snapshot_hours: int = 24
    """Hours between two snapshots."""
    snapshots_kept: int = 7
    """Snapshots that are kept; the oldest are deleted."""
    cached_picos: int = 10_000
    """Picos kept in memory."""
    install_from: tuple[str, ...] = ()
    """Folders with `.krl` files that rulesets may install, and private hosts from which they may, as URLs:
    "/srv/rulesets", "http://localhost:3000"; by default none."""
    http_allow: tuple[str, ...] = ()
    """Private hosts and networks to which rules may make HTTP requests: "127.0.0.1", "10.0.0.0/8"."""
    proc_allow: tuple[AllowedProgram, ...] = ()
    """Programs that rules may run, by absolute path, with the variables and folders that a rule may set:
    "/bin/date TZ cwd=/srv", or a map of `path`, `env` and `cwd`; by default none."""
    proc_timeout: int = 3_600
    """The maximum seconds a program may run."""
    max_begun: int = 2
    """How often the process may die while a due row is begun alone, before the row fails."""
    windows: tuple[Window, ...] = ()
    """Windows that all rulesets see; in `picosched.toml` tables `[window.NAME]` of `from`, `to` and `in`."""
    base_url: str = ""
    """The URL at which others reach the server, for `meta:host`: "https://picos.example"; by default the
    Host of the request being answered, else the address that the server is bound to."""
    machine_url: str = ""
    """The URL at which other servers of the same database reach this one: "http://10.0.0.7:8123"; by default
    the address that it is bound to, unless that is any."""
    keys: tuple[Key, ...] = ()
    """Keys for rulesets; in `picosched.toml` tables `[key.NAME]` of `value`, and of `to`: the rids that may
    read it."""
    alerts: tuple[Alert, ...] = ()
    """Who is told what happened to schedules; in `picosched.toml` tables `[alert.NAME]` of `to`, `on`,
    `after` and `secret`."""
    smtp: str = ""
    """The server for mails of alerts: "smtp://user:password@mail.example:587", or "smtps:"."""
    otlp: str = ""
    """The collector that traces and metrics are sent to, by OTLP over HTTP: "http://127.0.0.1:4318"."""
    almanac: Almanac = PLAIN
    """What timespecs are read with: `business_days`, the calendar that business days go by, a code of
    holidays or a name; and in `picosched.toml` tables `[calendar.NAME]` and `[place.NAME]`."""
    limits: Limits = field(default_factory=Limits)


LISTS = ("install_from", "http_allow", "proc_allow")
"""Settings that are lists of texts; separated by commas in the environment."""

SMTP_URL = re.compile(r"smtps?://([^\s/@]+@)?[^\s/?#@:]+(:\d{1,5})?/?")
BASE_URL = re.compile(r"https?://[^\s/?#@\"'<>\\]+(/[^\s?#@\"'<>\\]*)?")

LEAST: dict[str, int] = {"min_period": 0, "history_days": 0, "recorded_bytes": 0}
"""The minimum of a number, if it is not 1."""

CHOICES: dict[str, tuple[str, ...]] = {"misfire": ("once", "skip", "all"), "durability": ("full", "normal")}

LIMITS = tuple(each.name for each in fields(Limits))
ALMANAC = ("calendars", "places", "business_days")
"""Settings that the almanac is made of, in this order."""
NAMES = (
    *(each.name for each in fields(Settings) if each.name not in ("limits", "almanac")),
    *ALMANAC,
    *LIMITS,
)


TABLES = ("engine", "window", "key", "alert", "calendar", "place", "source")
"""The tables of a configuration file; those of sources are read by `sources/reading.py`."""


def load_settings(
    toml: Path | None, environ: Mapping[str, str], defaults: Settings | None = None, **overrides: Any
) -> Settings:
    """The settings from a configuration file, an environment and a caller, over `defaults`.

    PicoschedError `not_found` if the file is missing, `invalid` for an unknown or invalid setting.
    """
    settings = defaults or Settings()
    if toml is not None:
        tables = _tables(toml)
        for name in tables:
            if name not in TABLES:
                near = get_close_matches(name, TABLES, n=1)
                wanted = f'did you mean "{near[0]}"?' if near else f"wanted some of {', '.join(TABLES)}"
                raise PicoschedError(f'{toml}: found the table "{name}", {wanted}')
        named = {f"{name}s": _table(toml, tables, name) for name in ("calendar", "place")}
        settings = replace(settings, almanac=_almanac(settings.almanac, named, str(toml), toml.parent))
        settings = with_settings(settings, _table(toml, tables, "engine"), f"{toml}, [engine]")
        settings = with_settings(settings, {"windows": _table(toml, tables, "window")}, str(toml))
        settings = with_settings(settings, {"keys": _table(toml, tables, "key")}, str(toml))
        settings = with_settings(settings, {"alerts": _table(toml, tables, "alert")}, str(toml))
    settings = with_settings(settings, _environment(environ), "the environment")
    return with_settings(settings, overrides, "the engine's arguments")


def with_settings(settings: Settings, changes: Mapping[str, Any], where: str) -> Settings:
    """`settings` with `changes`, each checked; `where` is their place, for errors."""
    plain: dict[str, Any] = {}
    limits: dict[str, int] = {}
    almanac = _almanac(settings.almanac, changes, where)
    for name, value in changes.items():
        if name in ALMANAC:
            continue
        if name not in NAMES:
            raise PicoschedError(f'{where}: found the setting "{name}", {_near(name)}')
        chosen: Any = _windows(value, where, almanac) if name == "windows" else _checked(name, value, where)
        (limits if name in LIMITS else plain)[name] = chosen
    return replace(settings, **plain, almanac=almanac, limits=replace(settings.limits, **limits))


def _almanac(almanac: Almanac, changes: Mapping[str, Any], where: str, folder: Path = Path()) -> Almanac:
    """The almanac with the changes that concern it; the same one if there are none."""
    if changes.get("calendars"):
        from picosched.almanac_tables import read_calendars  # late: few settings have such tables

        calendars = read_calendars(changes["calendars"], where, folder)
        almanac = replace(almanac, calendars={**almanac.calendars, **calendars})
    if changes.get("places"):
        from picosched.almanac_tables import read_places

        almanac = replace(almanac, places={**almanac.places, **read_places(changes["places"], where)})
    if "business_days" in changes:
        name = changes["business_days"]
        if not isinstance(name, str):
            wanted = 'wanted a code of holidays such as "DE-BY", or the name of a calendar'
            raise PicoschedError(f"{where}: business_days: found {_shown(name)}, {wanted}")
        try:
            if name:
                almanac.free_days(name)
        except PicoschedError as error:
            raise PicoschedError(f"{where}: business_days: {error.message}", error.code) from error
        almanac = replace(almanac, business_days=name)
    return almanac


def _checked(name: str, value: Any, where: str) -> Any:
    if name in CHOICES:
        if not isinstance(value, str) or value not in CHOICES[name]:
            wanted = ", ".join(f'"{choice}"' for choice in CHOICES[name])
            raise PicoschedError(f"{where}: {name}: found {_shown(value)}, wanted one of {wanted}")
        return value
    if name == "proc_allow":
        return _programs(value, where)
    if name in LISTS:
        texts = [part.strip() for part in value.split(",")] if isinstance(value, str) else value
        if not isinstance(texts, (list, tuple)) or not all(isinstance(each, str) for each in texts):
            raise PicoschedError(f"{where}: {name}: found {_shown(value)}, wanted a list of texts")
        return tuple(each for each in texts if each)
    if name in ("base_url", "machine_url", "otlp"):
        return _server_url(name, value, where)
    if name == "keys":
        return _keys(value, where)
    if name == "alerts":
        return _alerts(value, where)
    if name == "smtp":
        return _smtp(value, where)
    if name == "snapshots_in":
        if not isinstance(value, str):
            raise PicoschedError(f"{where}: {name}: found {_shown(value)}, wanted the path of a folder")
        return value
    least = LEAST.get(name, 1)
    if isinstance(value, bool) or not isinstance(value, int) or value < least:
        raise PicoschedError(
            f"{where}: {name}: found {_shown(value)}, wanted a whole number, {least} or more"
        )
    return value


def _programs(value: Any, where: str) -> tuple[AllowedProgram, ...]:
    entries = [part for part in value.split(",") if part.strip()] if isinstance(value, str) else value
    if not isinstance(entries, (list, tuple)):
        raise PicoschedError(f"{where}: proc_allow: found {_shown(value)}, wanted a list of programs")
    try:
        programs = tuple(map(read_allowed, entries))
    except PicoschedError as error:
        raise PicoschedError(f"{where}: proc_allow: {error.message}") from error
    paths = [each.path for each in programs]
    for path in paths:
        if paths.count(path) > 1:
            raise PicoschedError(f"{where}: proc_allow: found {path} twice, wanted each program once")
    return programs


def _server_url(name: str, value: Any, where: str) -> str:
    if not isinstance(value, str) or (value and BASE_URL.fullmatch(value) is None):
        raise PicoschedError(
            f"{where}: {name}: found {_shown(value)}, wanted a URL such as "
            '"https://picos.example", without a user name or a query'
        )
    return value.rstrip("/")


def _windows(value: Any, where: str, almanac: Almanac) -> tuple[Window, ...]:
    if isinstance(value, tuple) and all(isinstance(each, Window) for each in value):
        return value
    if not isinstance(value, Mapping):
        raise PicoschedError(f"{where}: windows: found {_shown(value)}, wanted a table for each window")
    try:
        return tuple(of_table(name, table, almanac) for name, table in value.items())
    except PicoschedError as error:
        raise PicoschedError(f"{where}: {error.message}") from error


def _alerts(value: Any, where: str) -> tuple[Alert, ...]:
    if isinstance(value, tuple) and all(isinstance(each, Alert) for each in value):
        return value
    if not isinstance(value, Mapping):
        raise PicoschedError(f"{where}: alerts: found no map, wanted a table for each alert")
    try:
        return tuple(alert_of(name, table) for name, table in value.items())
    except PicoschedError as error:
        raise PicoschedError(f"{where}: {error.message}") from error


def _smtp(value: Any, where: str) -> str:
    """The URL of a mail server. Errors show no password."""
    if not isinstance(value, str) or (value and SMTP_URL.fullmatch(value) is None):
        found = "another text" if isinstance(value, str) else type(value).__name__
        wanted = 'wanted a URL such as "smtp://user:password@mail.example:587"'
        raise PicoschedError(f"{where}: smtp: found {found}, {wanted}")
    return value


def _keys(value: Any, where: str) -> tuple[Key, ...]:
    """Keys from a map, or its JSON text. Errors show no value."""
    if isinstance(value, tuple) and all(isinstance(each, Key) for each in value):
        return value
    if isinstance(value, str):
        try:
            value = json.loads(value)
        except ValueError:
            raise PicoschedError(f"{where}: keys: found text that is not JSON, wanted a map") from None
    if not isinstance(value, Mapping):
        raise PicoschedError(f"{where}: keys: found no map, wanted a table for each key")
    return tuple(_key(name, table, where) for name, table in value.items())


def _key(name: str, table: Any, where: str) -> Key:
    if not isinstance(table, Mapping) or set(table) != {"to", "value"}:
        raise PicoschedError(f"{where}: the key {name}: wanted a table of `to` and `value`, and only these")
    rids = [table["to"]] if isinstance(table["to"], str) else table["to"]
    if not isinstance(rids, list) or not all(isinstance(each, str) for each in rids):
        raise PicoschedError(f"{where}: the key {name}: wanted a rid as `to`, or a list of rids")
    if not isinstance(table["value"], str | int | float | dict | list):
        raise PicoschedError(f"{where}: the key {name}: wanted a text, a number, a list or a map as `value`")
    return Key(name, tuple(rids), table["value"])


def _tables(toml: Path) -> dict[str, Any]:
    import tomllib  # late: many folders have no settings

    try:
        return tomllib.loads(toml.read_text(encoding="utf-8"))
    except FileNotFoundError as cause:
        raise PicoschedError(f"{toml}: there is no such file", "not_found") from cause
    except OSError as cause:
        raise PicoschedError(f"{toml}: cannot be read: {cause.strerror}") from cause
    except UnicodeDecodeError as cause:
        raise PicoschedError(f"{toml}: is not UTF-8 text") from cause
    except tomllib.TOMLDecodeError as cause:
        raise PicoschedError(f"{toml}: is not TOML: {cause}") from cause


def _table(toml: Path, tables: Mapping[str, Any], name: str) -> dict[str, Any]:
    table = tables.get(name, {})
    if not isinstance(table, dict):
        raise PicoschedError(f"{toml}: {name}: found {_shown(table)}, wanted a table [{name}]")
    return table


def _environment(environ: Mapping[str, str]) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    for variable, text in environ.items():
        if not variable.startswith(PREFIX):
            continue
        name = variable.removeprefix(PREFIX).lower()
        # Other programs may use this prefix; only a name similar to a setting's is a typing error.
        if name in NAMES or get_close_matches(name, NAMES, n=1, cutoff=0.8):
            plain = name in CHOICES or name in LISTS or name in ("keys", "snapshots_in", *ALMANAC)
            changes[name] = text if plain else _number(text)
    return changes


def _number(text: str) -> int | str:
    """The text as a whole number if possible; else the text, for the check's error."""
    try:
        return int(text)
    except ValueError:
        return text


def _near(name: str) -> str:
    near = get_close_matches(name, NAMES, n=1, cutoff=0.6)
    return f'did you mean "{near[0]}"?' if near else f"wanted one of {', '.join(NAMES)}"


def _shown(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    return f'"{value}"' if isinstance(value, str) else str(value)
