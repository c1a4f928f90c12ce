"""Programs that rules have run: each at most once, and its end told exactly once.

A run is a row. It waits ("proc"); before its program begins it is marked as "running", durably; when the
program has ended, the row becomes the message of it ("send"), which is due at once and raised as
`proc:finished` like anything that is due. If the engine dies while a program runs, the mark is what the next
one finds: that run was interrupted, and is not begun again.

In the background programs run in threads of their own; without it, whoever raises what is due runs them.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from picosched.background import PATIENCE_SECONDS, Background
from picosched.batch import GroupCommit
from picosched.errors import PicoschedError
from picosched.krl.scope import Program
from picosched.loaded import Loaded
from picosched.outside.processes import INTERRUPTED, REHEARSED, SECONDS, Ended, Processes
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Outcome, Scheduled, Status
from picosched.settings import Settings
from picosched.store.store import Store

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Programs that run at the same time."""


class Programs(Background):
    """Runs what waits to be run. With `rehearsed` nothing is run, and each run says so."""

    def __init__(
        self,
        store: Store,
        commits: GroupCommit,
        loaded: Loaded,
        settings: Settings,
        now: Callable[[], datetime],
        done: Callable[[], None],
        *,
        rehearsed: bool,
    ) -> None:
        super().__init__(AT_ONCE, "picosched-program", done)
        self._store = store
        self._commits = commits
        self._loaded = loaded
        self._settings = settings
        self._now = now
        self._rehearsed = rehearsed
        self._processes = Processes()
        self._seen = -1
        """How much was changed in the store when nothing was found to wait."""

    def end_all(self) -> None:
        """Have what runs end, and begin nothing more until `stop`."""
        self._processes.stop()

    def stop(self, seconds: float = PATIENCE_SECONDS) -> None:
        """End what runs; what has not begun waits for the next start."""
        self._processes.stop()
        super().stop(seconds)
        self._processes.go_on()

    def next_due(self, stuck: Collection[str] = ()) -> datetime | None:
        """Since when the first run waits; None if none does."""
        return min((row.created for row in self._rows(stuck)), default=None)

    def run_due(self, looked: datetime, stuck: dict[str, Exception]) -> int:
        """Run all that waits, in the background if there is one. It raises no event by itself."""
        for row in self._rows(stuck):
            run = partial(self._run, row.id)
            if not self.in_background(row.id, run):
                try:
                    run()
                except PicoschedError as error:
                    stuck[row.id] = error
        return 0

    def _rows(self, stuck: Collection[str]) -> list[Scheduled]:
        """What waits to be run, in the order in which it was asked for."""
        if self._processes.stopping or self._store.changes == self._seen:
            return []
        others = {*stuck, *self.waiting}
        with self._commits.alone():
            changes, rows = self._store.changes, self._store.agenda.programs("proc")
        if not rows:
            self._seen = changes
        return [row for row in rows if row.id not in others]

    def _run(self, id: str) -> None:
        if self._processes.stopping:
            return
        program = self._commits.run(partial(self._begin, id))
        if program is None:
            return
        try:
            ended = self._ended(program)
        except BaseException:
            ended = INTERRUPTED
            raise
        finally:
            self._commits.run(partial(self._finish, id, ended))

    def _begin(self, id: str) -> Program | None:
        """Mark a run as begun; None if it is not to begin, which its record says then."""
        row = self._store.agenda.find(id)
        if row is None or row.kind != "proc" or row.status is not Status.PENDING:
            return None
        now, program = self._now(), program_of(row)
        try:
            self._loaded.load_running(row.pico_id, row.rid)
            if program.path not in self._settings.proc_allow:
                raise PicoschedError(f"proc_allow does not name the program {program.path}", "refused")
        except PicoschedError as error:
            record = Fire(id, row.pico_id, now, now, Outcome.FAILED, why=str(error))
            self._store.settle(replace(row, status=Status.FINISHED), record)
            return None
        self._store.agenda.become(replace(row, kind="running", fired=now), now)
        return program

    def _ended(self, program: Program) -> Ended:
        if self._rehearsed:
            return REHEARSED
        log.info("the program %s begins", program.path)
        seconds = SECONDS if program.timeout is None else program.timeout
        ended = self._processes.run(program, min(seconds, self._settings.proc_timeout))
        log.info("the program %s ended: %s after %g s", program.path, ended.outcome, ended.duration)
        return ended

    def _finish(self, id: str, ended: Ended) -> None:
        row = self._store.agenda.find(id)
        if row is not None and row.kind == "running":
            now = self._now()
            self._store.agenda.become(finished(row, ended, now), now)


def interrupt(store: Store, now: datetime) -> None:
    """Inside a transaction: end the runs that the last process has begun, and nobody has seen the end of."""
    for row in store.agenda.programs("running"):
        store.agenda.become(finished(row, INTERRUPTED, now), now)


def program_of(row: Scheduled) -> Program:
    """What a row has to run."""
    attrs: Mapping[str, Any] = row.attrs
    pairs = tuple((name, value) for name, value in attrs["env"])
    return Program(**{**attrs, "args": tuple(attrs["args"]), "env": pairs})


def finished(row: Scheduled, ended: Ended, now: datetime) -> Scheduled:
    """The row once its program has ended: the message of it."""
    program = program_of(row)
    attrs = {
        "id": row.id,
        "name": program.name,
        "program": program.path,
        "args": list(program.args),
        "exit": ended.exit,
        "signal": ended.signal,
        "stdout": ended.stdout,
        "stderr": ended.stderr,
        "truncated": ended.truncated,
        "duration": ended.duration,
        "outcome": ended.outcome,
        "why": ended.why,
    }
    return replace(row, kind="send", due=now, fired=None, attrs=attrs)
