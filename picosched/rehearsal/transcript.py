"""Transcripts: tests as documents, with commands to an engine and the expected results.

    # A cup of tea. The clock is virtual and starts at 2026-01-01T00:00:00Z.
    install tea_timer
    > raise tea:started minutes=5
    < say {"text": "steeping"}
    > advance 5m
    < say {"text": "your tea is ready"}
    > restart
    > query tea_timer:cups
    = 1

Before the first `>` stand what it needs: `clock TIME`, `settings granularity=1 min_period=0`, and
`install NAME`, which may also come later. The commands:

    > raise domain:type name=value …       < directive {…}     each directive, in order
    > advance 5m | > until TIME            < directive {…}     those of all that came due
    > query rid:name name=value …          = json              the answer
    > scheduled                            @ TIME domain:type {attrs} [repeat "timespec"] [name] [paused]
    > cancel N | > pause N | > resume N    = true              the Nth that `> scheduled` lists
    > restart                                                  closes the store and opens it again
    > expect SENTENCE                      nothing, if it will hold: `rehearsal/expected.py` has the sentences

`! part` is an error whose message contains that part. `#` starts a comment; blank lines are ignored. The
result lines of a command must match exactly; JSON is compared by value.
"""

from __future__ import annotations

import json
import os
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from picosched import standard
from picosched.clock import VirtualClock, format_time, parse_time
from picosched.engine.engine import Engine
from picosched.engine.rehearsed import nobody
from picosched.errors import KrlError, PicoschedError
from picosched.krl.source import read_source
from picosched.krl.text import from_json
from picosched.notation import directive_name, parse_duration, parse_named, parse_values, split
from picosched.rehearsal.expected import unmet
from picosched.schedule.scheduled import Scheduled
from picosched.settings import Settings

START = "2026-01-01T00:00:00Z"
EXPECTING = ("<", "=", "!", "@")
EXPECT = re.compile(r"(?:> *)?expect +(.+)")
UNBOUND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Mismatch:
    """A line that differs. `expected` or `found` is empty if there is no such line."""

    file: str
    line: int
    expected: str
    found: str
    instead: str = ""
    """What a line that expects nothing wants all the same: of `> expect`, its sentence."""

    def __str__(self) -> str:
        nothing = "no error" if self.found.startswith("!") else "nothing more"
        expected, found = self.expected or self.instead or nothing, self.found or "nothing more"
        return f"{self.file}:{self.line}:\n  expected  {expected}\n  found     {found}"


@dataclass(slots=True)
class Step:
    """A command and its expected result lines."""

    line: int
    text: str
    expected: list[tuple[int, str]] = field(default_factory=list)


@dataclass(slots=True)
class Played:
    """The result of a transcript: its differences, and the corrected text."""

    mismatches: list[Mismatch]
    text: str


def play(file: Path, store: str | Path | None = None, rulesets: Sequence[Path] = ()) -> Played:
    """Play a transcript on an engine of its own, whose store is the new database `store` or a temporary file.

    Rulesets are looked for in `rulesets`, then beside the transcript and in the folders above it, and there
    in a folder `rulesets`. PicoschedError for a transcript that cannot be read.
    """
    text = read_source(file)
    if store is None:
        with tempfile.TemporaryDirectory() as folder:
            return _play(file, text, Path(folder) / "transcript.db", rulesets)
    return _play(file, text, store, rulesets)


def _play(file: Path, text: str, store: str | Path, rulesets: Sequence[Path]) -> Played:
    lines = text.splitlines()
    steps = _steps(file, lines)
    stage = _Stage(store, [*rulesets, *around(file)])
    mismatches: list[Mismatch] = []
    now_stands: dict[int, list[str]] = {}
    try:
        for step in steps:
            found = stage.play(step.text)
            mismatches += _compare(str(file), step, found)
            now_stands[step.line] = _rewritten(step, found)
    finally:
        stage.close()
    return Played(mismatches, _with(lines, steps, now_stands))


def around(file: Path) -> list[Path]:
    """Where rulesets are looked for: beside a file and in the folders above it, and there in `rulesets`."""
    above = [file.absolute().parent, *file.absolute().parent.parents]
    return [folder for each in above for folder in (each, each / "rulesets")]


# ---- the text -------------------------------------------------------------------------------------


def _steps(file: Path, lines: Sequence[str]) -> list[Step]:
    steps: list[Step] = []
    for number, raw in enumerate(lines, start=1):
        line = raw.strip()
        if not line or line.startswith("#"):
            continue
        if line.startswith(EXPECTING):
            if not steps:
                raise PicoschedError(
                    f"{file}:{number}: found `{line}` before anything that could bring it forth"
                )
            steps[-1].expected.append((number, line))
        else:
            steps.append(Step(number, line))
    return steps


def _compare(file: str, step: Step, found: Sequence[str]) -> list[Mismatch]:
    mismatches = []
    for place in range(max(len(step.expected), len(found))):
        number, expected = step.expected[place] if place < len(step.expected) else (step.line, "")
        actual = found[place] if place < len(found) else ""
        if not _same(expected, actual):
            sentence = EXPECT.match(step.text)
            mismatches.append(Mismatch(file, number, expected, actual, sentence[1] if sentence else ""))
    return mismatches


def _rewritten(step: Step, found: Sequence[str]) -> list[str]:
    """The lines as they are; where an expected one says the same in other words it stays."""
    expected = [line for _, line in step.expected] + [""] * len(found)
    return [
        wanted if _same(wanted, actual) else actual for wanted, actual in zip(expected, found, strict=False)
    ]


def _same(expected: str, found: str) -> bool:
    if expected[:1] != found[:1]:
        return False
    match expected[:1]:
        case "!":
            return expected[1:].strip() in found[1:]
        case "<":
            (name, options), (actual_name, actual) = _directive(expected), _directive(found)
            return name == actual_name and _same_json(options, actual)
        case "=":
            return _same_json(expected[1:], found[1:])
    return expected.split() == found.split()


def _directive(line: str) -> tuple[str, str]:
    name, brace, options = line[1:].strip().partition(" {")
    return name.strip(), f"{brace}{options}".strip() or "{}"


def _same_json(expected: str, found: str) -> bool:
    try:
        return bool(_strict(from_json(expected)) == _strict(from_json(found)))
    except PicoschedError:
        return False


def _strict(value: Any) -> Any:
    """The value such that true is not 1."""
    match value:
        case bool():
            return (bool, value)
        case list():
            return [_strict(item) for item in value]
        case dict():
            return {key: _strict(item) for key, item in value.items()}
    return value


def _with(lines: Sequence[str], steps: Sequence[Step], now_stands: dict[int, list[str]]) -> str:
    """The transcript with actual results in place of expected ones; everything else is unchanged."""
    replaced: dict[int, list[str]] = {}
    for step in steps:
        found = now_stands[step.line]
        for (number, _), line in zip(step.expected, found, strict=False):
            replaced[number] = [line]
        for number, _ in step.expected[len(found) :]:
            replaced[number] = []
        after = step.expected[-1][0] if step.expected else step.line
        beyond = found[len(step.expected) :]
        if beyond:
            replaced[after] = [*replaced.get(after, [lines[after - 1]]), *beyond]
    new = [line for number, old in enumerate(lines, start=1) for line in replaced.get(number, [old])]
    return "\n".join(new) + "\n"


# ---- the engine -----------------------------------------------------------------------------------


class _Stage:
    """An engine on a virtual clock and a store that is a real file, and one pico."""

    def __init__(self, store: str | Path, rulesets: Sequence[Path]) -> None:
        self._store = store
        self._rulesets = rulesets
        self._clock = VirtualClock(START)
        self._settings: dict[str, Any] = {}
        self._opened: Engine | None = None
        self._openings = 0
        self._told = 0
        self._commands: dict[str, Callable[[list[str]], list[str]]] = {
            "raise": self._raise,
            "advance": self._advance,
            "until": self._until,
            "query": self._query,
            "scheduled": self._scheduled,
            "cancel": self._cancel,
            "pause": self._pause,
            "resume": self._resume,
            "restart": self._restart,
        }

    def play(self, line: str) -> list[str]:
        """Do what a line says; the lines it brings forth."""
        try:
            found = self._do(line)
        except PicoschedError as error:
            others = error.others if isinstance(error, KrlError) else ()
            found = [self._complaint(str(each)) for each in (error, *others)]
        return [*self._news(), *found]

    def close(self) -> None:
        if self._opened is not None:
            self._opened.close()

    @property
    def _engine(self) -> Engine:
        if self._opened is None:
            # Seeded for reproducibility, with a different seed at each opening so that no id repeats.
            self._openings += 1
            settings = Settings(durability="normal")
            self._opened = Engine(
                self._store,
                self._clock,
                settings=settings,
                seed=self._openings,
                outside=nobody,
                **self._settings,
            )
        return self._opened

    def _do(self, line: str) -> list[str]:
        if (sentence := EXPECT.match(line)) is not None:
            return self._expect(sentence[1])
        verb, *words = split(line.removeprefix(">"))
        if line.startswith(">"):
            if verb not in self._commands:
                raise PicoschedError(
                    f"found the command {verb}, wanted one of {', '.join(self._commands)}, expect"
                )
            return self._commands[verb](words)
        match verb, words:
            case "install", [name]:
                self._engine.root.install(self._find(name))
            case "clock", [time] if self._opened is None:
                self._clock.set(time)
            case "settings", words if self._opened is None:
                self._settings = parse_values(words)
            case (("clock" | "settings"), _):
                raise PicoschedError(
                    f"found {verb} behind what starts the engine, wanted it at the beginning"
                )
            case _:
                raise PicoschedError(
                    f"found `{line}`, wanted install NAME, clock TIME, settings … or > COMMAND"
                )
        return []

    def _find(self, name: str) -> Path | str:
        file = name if name.endswith(".krl") else f"{name}.krl"
        for folder in self._rulesets:
            if (folder / file).is_file():
                return folder / file
        if name in standard.ALL:
            return standard.url_of(name)
        raise PicoschedError(f"there is no ruleset {file} near the transcript", "not_found")

    def _raise(self, words: list[str]) -> list[str]:
        event = parse_named(words)
        self._engine.root.raise_event(event.first, event.second, event.values)
        return []

    def _advance(self, words: list[str]) -> list[str]:
        self._engine.run_until(self._clock.now() + parse_duration("".join(words)))
        return []

    def _until(self, words: list[str]) -> list[str]:
        self._engine.run_until(parse_time(" ".join(words)))
        return []

    def _query(self, words: list[str]) -> list[str]:
        query = parse_named(words, "rid:name")
        return [f"= {_json(self._engine.root.query(query.first, query.second, query.values))}"]

    def _scheduled(self, words: list[str]) -> list[str]:
        return [_line(each) for each in self._engine.root.scheduled()]

    def _cancel(self, words: list[str]) -> list[str]:
        return [f"= {_json(self._engine.root.cancel(self._listed(words)))}"]

    def _pause(self, words: list[str]) -> list[str]:
        return [f"= {_json(self._engine.root.pause(self._listed(words)))}"]

    def _resume(self, words: list[str]) -> list[str]:
        return [f"= {_json(self._engine.root.resume(self._listed(words)))}"]

    def _listed(self, words: list[str]) -> str:
        """The id of the scheduled event in that place, counted from 1, soonest first."""
        pending = self._engine.root.scheduled()
        place = int(words[0]) if len(words) == 1 and words[0].isdecimal() else 0
        if not 1 <= place <= len(pending):
            wanted = f"a number from 1 to {len(pending)}, its place" if pending else "something scheduled"
            raise PicoschedError(f"found `{' '.join(words)}`, wanted {wanted} in the list of `> scheduled`")
        return pending[place - 1].id

    def _expect(self, sentence: str) -> list[str]:
        try:
            found = unmet(self._engine, sentence)
        except PicoschedError as error:
            if error.code != "invalid":
                raise
            raise PicoschedError(f"the sentence cannot be read: {error.message}") from error
        return [] if found is None else [f"! {found}"]

    def _restart(self, words: list[str]) -> list[str]:
        self.close()
        self._opened = None
        assert self._engine  # opens it
        return []

    def _news(self) -> list[str]:
        """The directives and errors of the turns since last asked, in order."""
        if self._opened is None:
            return []
        lines: list[str] = []
        for entry in reversed(self._engine.journal(limit=UNBOUND, after=self._told)):
            self._told = entry.seq
            lines += [
                f"< {directive_name(each['name'])} {_json(each['options'])}" for each in entry.directives
            ]
            lines += map(self._complaint, entry.errors)
        return lines

    def _complaint(self, error: str) -> str:
        """An error as a line. Where the rulesets lie on this machine is no part of it."""
        for folder in self._rulesets:
            if folder.name:  # the root's name would be found in every URL
                error = error.replace(f"{folder}{os.sep}", "")
        return f"! {' '.join(error.split())}"


def _line(scheduled: Scheduled) -> str:
    parts = [f"@ {format_time(scheduled.due)}" if scheduled.due else "@"]
    parts += [f"{scheduled.domain}:{scheduled.type}", _json(dict(scheduled.attrs))]
    if scheduled.kind == "repeat":
        parts.append(f'repeat "{scheduled.timespec}"' + (f" {scheduled.tz}" if scheduled.tz != "UTC" else ""))
    if scheduled.name is not None:
        parts.append(scheduled.name)
    if scheduled.paused:
        parts.append("paused")
    return " ".join(parts)


def _json(value: Any) -> str:
    """JSON with blanks, as one writes it by hand."""
    text = json.dumps(value, ensure_ascii=False)
    return text if text.isprintable() else json.dumps(value)
