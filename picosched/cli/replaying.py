"""`replay`: the past once more, from a snapshot or a backup, and which turns are not as they were."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from picosched.cli.declared import Argument, Commands, Option, WrongUseError
from picosched.cli.opening import ruleset_at, settings_here
from picosched.cli.options import Json, command
from picosched.cli.printing import write, write_json
from picosched.cli.where import HERE, Where

if TYPE_CHECKING:
    from picosched.engine.reached import Reached

app = Commands()
PANEL = "Rulesets and times"


@command(
    app,
    PANEL,
    "picosched replay --from 2026-03-02",
    "picosched replay --from 2026-03-02 --until 2026-03-03T12:00:00Z --bisect",
    "picosched replay --from-backup monday.db rulesets/tea_timer.krl --json",
    "picosched replay --from 2026-03-02 tea_timer.krl --url http://127.0.0.1:8123",
    wrong_use=1,
)
def replay(
    files: Annotated[
        list[str] | None, Argument(metavar="FILE…", help="Rulesets in place of those with the same rid.")
    ] = None,
    where: Where = HERE,
    start: Annotated[
        str | None,
        Option("--from", metavar="TIME", help="Start from the newest snapshot up to here."),
    ] = None,
    backup: Annotated[
        Path | None, Option("--from-backup", metavar="FILE", help="Start from a backup of the database.")
    ] = None,
    until: Annotated[str | None, Option("--until", metavar="TIME", help="Default: the last turn.")] = None,
    bisect: Annotated[
        bool, Option("--bisect", help="End at the first turn of all that differs, and show only that.")
    ] = False,
    json: Json = False,
) -> None:
    """Replay the past, and compare each turn with what it was.

    On a copy of an earlier state the events that came from outside are raised again, what people did is done
    again, and what came due comes due again, at the times on record. Each turn gets the random numbers and
    answers that it had; nothing outside is asked, and no program runs. So the same rulesets must give the
    same turns: the exit status is 0, or 2 if a turn differs. FILEs replace installed rulesets from TIME on,
    and show what they would have done: for each pico the first turn that differs, or with --bisect only the
    very first.

    With the setting snapshots_in, a folder, a snapshot is made every snapshot_hours. --from-backup starts
    from a file that "picosched backup" made instead. What cannot be done again is named: a pico's import,
    what people did while an older picosched ran, and answers larger than recorded_bytes.
    """
    if start is None and backup is None:
        raise WrongUseError("wanted --from TIME or --from-backup FILE to start from")
    with ExitStack() as stack:
        engine = _backed(where, stack) if backup else stack.enter_context(where.opened(readonly=True))
        rulesets = [*map(ruleset_at, files or [])]
        progress = _show_progress if sys.stderr.isatty() else None
        found = engine.replay(start, until, rulesets, backup=backup, first=bisect, progress=progress)
    if json:
        write_json(found.as_json())
    else:
        for line in found.lines():
            write(line)
    if found.status:
        raise SystemExit(found.status)


def _backed(where: Where, stack: ExitStack) -> Reached:
    """An engine here that reads the store, or a copy of the server's: the backup is a file here."""
    from picosched.engine.engine import Engine

    store = stack.enter_context(where.copied())
    return stack.enter_context(Engine(store, settings=settings_here(), readonly=True))


def _show_progress(turns: int, of: int) -> None:
    sys.stderr.write(f"\r{turns:,} of {of:,} turns" + ("\n" if turns >= of else ""))
    sys.stderr.flush()
