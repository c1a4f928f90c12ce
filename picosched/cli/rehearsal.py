"""Commands that run rulesets in virtual time: `simulate` shows what would happen, `test` checks
transcripts."""

from __future__ import annotations

import sys
from collections import Counter
from contextlib import closing, nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from picosched.cli.declared import Argument, Commands, Option, WrongUseError
from picosched.cli.opening import ruleset_at, settings_here
from picosched.cli.options import Json, command
from picosched.cli.printing import write, write_json
from picosched.cli.where import HERE, TokenFile, Where, where_options
from picosched.clock import format_time, parse_time
from picosched.errors import EXIT_STATUS, PicoschedError

if TYPE_CHECKING:
    from picosched.engine.rehearsed import Record
    from picosched.notation import Input

app = Commands()
PANEL = "Rulesets and times"


@command(
    app,
    PANEL,
    "picosched simulate tea.krl --from 2026-03-01 --until 2026-03-02 --raise 'tea:started minutes=5'",
    "picosched simulate digest.krl --from 2026-01-01 --until 2027-01-01 --events events.txt --json",
    """picosched simulate greeter.krl --config '{"greeting": "hi"}' --from 2026-03-01 --until 2026-03-02""",
    "picosched simulate --db picosched.db --from 2026-03-01 --until 2026-03-08",
    "picosched simulate --url http://127.0.0.1:8123 --from 2026-03-01 --until 2026-03-08",
)
def simulate(
    start: Annotated[str, Option("--from", metavar="TIME", help="Start of virtual time.")],
    until: Annotated[str, Option("--until", metavar="TIME", help="End of virtual time.")],
    files: Annotated[
        list[str] | None, Argument(metavar="FILE…", help="Rulesets to install on a new pico.")
    ] = None,
    raised: Annotated[
        list[str] | None,
        Option(
            "--raise",
            metavar="EVENT",
            help="[TIME] domain:type name=value … Default time: the start.",
        ),
    ] = None,
    events: Annotated[
        Path | None,
        Option("--events", metavar="FILE", help="One event per line, like --raise or as JSON; - is stdin."),
    ] = None,
    db: Annotated[
        str | None, Option("--db", metavar="FILE", help="Start from a copy of this database.")
    ] = None,
    url: Annotated[
        str | None, Option("--url", metavar="URL", help="Start from a copy of this server's database.")
    ] = None,
    token_file: TokenFile = None,
    pico: Annotated[
        str | None, Option("--pico", metavar="NAME", help="The pico that gets the rulesets and events.")
    ] = None,
    config: Annotated[
        str | None, Option("--config", metavar="JSON", help="A map to configure FILEs with.")
    ] = None,
    json: Json = False,
) -> None:
    """Run rulesets in virtual time and print every event they would handle.

    It uses the real engine with a virtual clock and an in-memory database: nothing outside is touched, and
    the same input gives the same output, byte for byte. With --db or --url it starts from a copy of a
    database with its scheduled events, and installs FILEs on top.

    A new pico has no rulesets: name the standard ones that FILEs use before them, such as
    picosched://standard/io.picolabs.wrangler.krl.
    """
    from picosched.notation import parse_map
    from picosched.rehearsal.simulate import simulate as rehearse

    where = where_options(db, url, token_file)
    copied = db is not None or url is not None
    if not files and not copied:
        raise WrongUseError("wanted at least one ruleset FILE, or --db FILE or --url URL")
    if config is not None and not files:
        raise WrongUseError("--config is for rulesets to install: name a FILE")
    inputs = [*_events(raised or []), *(_read_events(events) if events is not None else [])]
    let_go = Counter[str]()
    with where.copied() if copied else nullcontext() as store:
        records = rehearse(
            [*map(ruleset_at, files or [])],
            parse_time(start),
            parse_time(until),
            inputs,
            store=store,
            pico=pico,
            config=None if config is None else parse_map(config, "--config"),
            settings=settings_here(),
            let_go=let_go,
        )
        for record in records:
            if json:
                write_json(record.as_json())
            else:
                _show(record)
        if let_go:
            said = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(let_go.items()))
            write(f"occurrences not raised: {said}", stderr=True)


@command(
    app,
    PANEL,
    "picosched replay --from-backup monday.db",
    "picosched replay --from-backup monday.db --until 2026-03-03T12:00:00Z",
    "picosched replay --from-backup monday.db rulesets/tea_timer.krl --json",
    wrong_use=1,
)
def replay(
    backup: Annotated[
        Path, Option("--from-backup", metavar="FILE", help="A backup of the database, from which it starts.")
    ],
    files: Annotated[
        list[str] | None, Argument(metavar="FILE…", help="Rulesets in place of those with the same rid.")
    ] = None,
    where: Where = HERE,
    until: Annotated[str | None, Option("--until", metavar="TIME", help="Default: the last turn.")] = None,
    json: Json = False,
) -> None:
    """Replay the past from a backup, and compare each pico's turns with those on record.

    The events that came from outside since the backup are raised again at their times, on a copy, where
    nobody outside is asked. The same rulesets must give the same turns: the exit status is 0, and 2 if a
    turn differs. With FILEs it shows what other rulesets would have done: of each pico the first difference.

    Not on record, and so not replayed: answers to HTTP requests and of programs, random numbers, and what
    people changed meanwhile (schedules, rulesets, channels, new picos).
    """
    from picosched.clock import LAST
    from picosched.rehearsal.replay import replay as again
    from picosched.store.store import Store

    if not backup.exists():
        raise PicoschedError(f"there is no backup {backup}", "not_found")
    with where.copied() as store, closing(Store(backup, readonly=True)) as before:
        latest = next(iter(store.journal.entries(limit=1)), None)
        end = parse_time(until) if until is not None else LAST if latest is None else latest.at
        found = again(before, store, end, settings=settings_here(), rulesets=[*map(ruleset_at, files or [])])
    if json:
        write_json(found.as_json())
    else:
        for line in found.lines():
            write(line)
    if found.differences:
        raise SystemExit(2)


def _events(lines: list[str]) -> list[Input]:
    from picosched.notation import parse_input

    return [parse_input(line) for line in lines]


def _read_events(file: Path) -> list[Input]:
    from picosched.krl.source import read_source
    from picosched.notation import parse_input

    text = sys.stdin.read() if str(file) == "-" else read_source(file)
    inputs: list[Input] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                inputs.append(parse_input(line))
            except PicoschedError as error:
                raise PicoschedError(f"{file}:{number}: {error.message}", error.code) from error
    return inputs


def _show(record: Record) -> None:
    from picosched.cli.explain import directive_text, event_text, show_considered

    due = ""
    if record.scheduled is not None:
        name = f" {record.scheduled.name}" if record.scheduled.name else ""
        due = f"   scheduled{name}, due {format_time(record.scheduled.nominal)}"
    write(f"{format_time(record.at)}  {event_text(record.domain, record.type, record.attrs)}{due}")
    show_considered(record.considered)
    for each in record.directives:
        write(f"    {directive_text(each['name'], each['options'])}")
    for each in record.outside:
        write(f"    request not sent: {each['method']} {each['url']}")
    for error in record.errors:
        write(f"    error: {error}")


@command(
    app,
    PANEL,
    "picosched test tests/transcripts",
    "picosched test tea_timer.txt --rulesets rulesets",
    "picosched test tests/transcripts --update && git diff",
)
def test(
    paths: Annotated[list[Path], Argument(metavar="PATH…", help="Transcripts, and folders of *.txt.")],
    rulesets: Annotated[
        list[Path] | None,
        Option("--rulesets", metavar="DIR", help="Folder searched first for rulesets; repeatable."),
    ] = None,
    update: Annotated[
        bool, Option("--update", help="Rewrite the transcripts with the actual results.")
    ] = False,
    json: Json = False,
) -> None:
    """Run transcripts against rulesets, and report differences.

    A transcript lists commands and their expected results:

      install tea_timer
      > raise tea:started minutes=5
      < say {"text": "steeping"}
      > advance 5m
      < say {"text": "your tea is ready"}
      > restart
      > query tea_timer:cups
      = 1

    Time is virtual and the store a real file, which "restart" closes and reopens. "!" with part of the
    message is an error. Rulesets are searched for next to the transcript, or in a folder named rulesets
    above it. "> expect never fires between 22:00 and 06:00" checks what is to come: at most N fires in any
    minute of 2026-12, NAME fires at 09:00 every weekday, in a zone, of a period.
    """
    from picosched.rehearsal.transcript import play

    failed = False
    for file in _transcripts(paths):
        played = play(file, rulesets=rulesets or [])
        failed = failed or bool(played.mismatches)
        if update and played.mismatches:
            file.write_text(played.text, encoding="utf-8")
        if json:
            write_json(
                {
                    "file": str(file),
                    "ok": not played.mismatches,
                    "mismatches": [
                        {"line": each.line, "expected": each.expected, "found": each.found}
                        for each in played.mismatches
                    ],
                }
            )
            continue
        if not played.mismatches:
            write(f"{file}: passed")
        elif update:
            write(f"{file}: rewritten")
        for mismatch in [] if update else played.mismatches:
            write(str(mismatch), "red")
    if failed and not update:
        raise SystemExit(EXIT_STATUS["invalid"])


def _transcripts(paths: list[Path]) -> list[Path]:
    files: list[Path] = []
    for path in paths:
        found = sorted(path.rglob("*.txt")) if path.is_dir() else [path]
        if not found:
            raise PicoschedError(f"found no transcript (*.txt) in the folder {path}", "not_found")
        files += found
    return files
