"""A crontab file: lines of five fields, or a macro, and a command; settings hold for the lines below them.

Commands run without a shell, so lines with pipes, redirections, several commands, variables or file name
patterns are refused, as are lines with the user field of a system crontab. All errors in a file are
reported at once.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from picosched.errors import PicoschedError
from picosched.timespec.timespec import Timespec
from picosched.timespec.zone import check_zone

SETTING = re.compile(r"""\s*(?P<q>["']?)(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P=q)\s*=\s*(?P<value>.*?)\s*""")
PREFIX = re.compile(r"[A-Za-z_][A-Za-z0-9_]*=")
UNESCAPED = re.compile(r"(?<!\\)%")
OF_CRON = ("SHELL", "MAILTO", "MAILFROM", "CRON_TZ")
"""Settings for cron itself, not passed to programs."""

SYSTEM = ("/etc/crontab", "/etc/cron.d/")
USERS = ("root", "nobody", "daemon", "www-data", "postgres", "mail", "backup", "operator")
"""Names found in the user field of a system crontab that are not commands."""

OPERATORS = {
    "|": "a pipe",
    ">": "a redirection",
    "<": "a redirection",
    "&": "&",
    ";": "several commands",
    "`": "a command in a command",
    "$": "a variable or a command in a command",
    "(": "a subshell",
    ")": "a subshell",
    "*": "a pattern of file names",
    "?": "a pattern of file names",
    "[": "a pattern of file names",
}
IN_QUOTES = "`$"
"""Characters that a shell interprets even between double quotes."""


@dataclass(frozen=True, slots=True)
class CronLine:
    """One entry of a crontab file."""

    number: int
    name: str
    when: str
    tz: str
    command: tuple[str, ...]
    env: Mapping[str, str]


class FaultError(Exception):
    """An error in one line."""


def read_crontab(text: str, file: str, tz: str = "UTC") -> list[CronLine]:
    """The entries of a crontab file. PicoschedError `invalid` listing all invalid lines."""
    found: list[CronLine] = []
    faults: list[str] = []
    env: dict[str, str] = {}
    for number, line in enumerate(text.splitlines(), 1):
        stripped = line.strip()
        if not stripped or stripped.startswith("#"):
            continue
        try:
            setting = SETTING.fullmatch(stripped)
            if setting is not None:
                tz = _set(env, setting["name"], _unquoted(setting["value"]), tz)
                continue
            found.append(_line(number, stripped, tz, dict(env), file))
        except FaultError as fault:
            faults.append(f"line {number}: {fault}")
    if faults:
        several = "" if len(faults) == 1 else f"{len(faults)} invalid lines\n  "
        raise PicoschedError(f"{file}: {several}" + "\n  ".join(faults))
    return [*_named_apart(found)]


def _set(env: dict[str, str], name: str, value: str, tz: str) -> str:
    """Apply a setting; return the zone of the lines below it."""
    if name == "RANDOM_DELAY":
        raise FaultError("found RANDOM_DELAY, which is not supported")
    if name not in OF_CRON:
        env[name] = value
    if name != "CRON_TZ":
        return tz
    try:
        check_zone(value)
    except PicoschedError as error:
        raise FaultError(f"CRON_TZ: {error.message}") from error
    return value


def _line(number: int, line: str, tz: str, env: dict[str, str], file: str) -> CronLine:
    fields = 1 if line.startswith("@") else 5
    parts = line.split(None, fields)
    when, rest = " ".join(parts[:fields]), parts[fields] if len(parts) > fields else ""
    if when == "@reboot":
        raise FaultError(
            "found @reboot, which is not a time: an event engine:started is raised at every start"
        )
    if "~" in when:
        raise FaultError(f'found "~" in "{when}", wanted a time that is not random')
    try:
        Timespec.parse(when, tz)
    except PicoschedError as error:
        raise FaultError(error.message) from error
    if not rest:
        raise FaultError("found no command")
    command = _command(rest, file)
    return CronLine(number, f"{when} {rest}", when, tz, command, env)


def _command(text: str, file: str) -> tuple[str, ...]:
    """The words of a command, split as in a shell."""
    first = text.split(None, 1)[0]
    if file == SYSTEM[0] or file.startswith(SYSTEM[1]) or (first in USERS and " " in text):
        raise FaultError(f'found the user field "{first}", wanted the command after the time')
    if UNESCAPED.search(text):  # whatever quotes are around it
        raise FaultError(r'found "%", which cron turns into a line break; wanted \% for the character')
    text = text.replace(r"\%", "%")
    _check_plain(text)
    try:
        words = shlex.split(text, posix=True)
    except ValueError as cause:
        raise FaultError(f"{str(cause).lower()}: {text}") from cause
    if PREFIX.match(words[0]):
        raise FaultError(f'found "{words[0]}" in front of the command, wanted it on a line of its own above')
    return tuple(words)


def _check_plain(text: str) -> None:
    quote = ""
    before = " "
    characters = iter(text)
    for each in characters:
        if each == "\\" and quote != "'":
            before = next(characters, "")
            continue
        if quote:
            if each == quote:
                quote = ""
            elif quote == '"' and each in IN_QUOTES:
                _refuse(each)
        elif each in "\"'":
            quote = each
        elif each in OPERATORS:
            _refuse(each)
        elif before.isspace() and each in "#~":
            what = "a comment" if each == "#" else "a home folder"
            raise FaultError(f'found "{each}", {what} to a shell; there is none: quote it if it is meant')
        before = each


def _refuse(sign: str) -> None:
    raise FaultError(f'found "{sign}", {OPERATORS[sign]} to a shell; there is none: quote it if it is meant')


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "\"'"
    return value[1:-1] if quoted else value


def _named_apart(lines: list[CronLine]) -> Iterator[CronLine]:
    """Append numbers to the names of identical lines."""
    seen: dict[str, int] = {}
    for each in lines:
        seen[each.name] = count = seen.get(each.name, 0) + 1
        name = each.name if count == 1 else f"{each.name} ({count})"
        yield CronLine(each.number, name, each.when, each.tz, each.command, each.env)
