"""Programs that rules run: each at most once, and its end is reported exactly once.

A run is a row. It waits ("proc"); before its program starts it is durably marked "running"; when the program
has ended, the row becomes a message ("send"), due at once and raised as `proc:finished` like any due row. If
the engine dies while a program runs, the next one finds the mark: the run was interrupted and is not started
again.

Where several machines share a database, a running row names its machine. The others leave it alone while that
machine tells that it is alive, even if its session is lost: it will be back, and its programs run on. Once it
has been silent for long enough to be ended, its runs count as interrupted. If it comes back after all, it
ends the programs of which that was said. A process that takes no part, and so tells nothing, has its session
alone to show that it is alive.

In the background programs run in their own threads; otherwise the caller of `run_due` runs them.
"""

from __future__ import annotations

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, NamedTuple

from picosched.clock import ticks
from picosched.due.background import PATIENCE_SECONDS, Background
from picosched.due.queue import Looked, Tick
from picosched.due.wired import Wired
from picosched.errors import PicoschedError
from picosched.krl.allowed import allowed_as
from picosched.krl.scope import Program
from picosched.outside.processes import (
    CANCELLED,
    INTERRUPTED,
    LOST,
    REHEARSED,
    SECONDS,
    Ended,
    Processes,
    Wake,
)
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Outcome, Scheduled, Status
from picosched.store.due import NEVER, Coming
from picosched.store.faults import InDoubtError, StoreError
from picosched.store.left_out import LeftOut

log = logging.getLogger(__name__)

AT_ONCE = 8
"""Programs that run at the same time."""

OF_ONE = 4
"""Of them, for one pico."""

LINE = 8
"""Programs of one pico that run or wait for a thread; all others wait in the database."""

LOOK_SECONDS = 1.0
"""How often a tick looks again at runs of machines that may be alive."""

TAKEN_UP = 2 * AT_ONCE
"""Programs processed in one look."""


class Found(NamedTuple):
    """Running programs, as their rows were at one moment."""

    ours: Sequence[Scheduled]
    """Those of this process, whatever their rows say by now."""
    others: Sequence[Scheduled]
    """All others in the own shards."""
    left: Sequence[Scheduled]
    """Of the others, those whose machines are dead."""


class ProgramsQueue(Background):
    """Runs waiting programs. With `rehearsed` none is run, and each run reports that."""

    def __init__(self, wired: Wired, machine_id: str, *, rehearsed: bool) -> None:
        name, hold = "picosched-program", wired.apart.hold_programs
        super().__init__(name, wired.look_again, at_once=AT_ONCE, of_one=OF_ONE, line=LINE, hold=hold)
        self._store, self._commits, self._loaded = wired.store, wired.commits, wired.loaded
        self._settings, self._now = wired.settings, wired.now
        self._rehearsed = rehearsed
        self._processes = Processes()
        self._machine_id = machine_id
        """Of this process, if there may be others; else ""."""
        self._unwritten: dict[str, Ended] = {}
        """Run id → its end, not yet written because the database failed."""
        self.looks_again: float | None = None
        """When to look again, in `ticks`; None if we will be notified when there is something to see."""

    def end_all(self) -> None:
        """Terminate running programs, and start no more until `stop`."""
        self._processes.stop()

    def end(self, id: str, why: Ended) -> None:
        """Have a program end that runs in this process."""
        self._processes.end(id, why)

    def stop(self, seconds: float = PATIENCE_SECONDS) -> None:
        """Terminate running programs; the others wait for the next start."""
        self._processes.stop()
        super().stop(seconds)
        self._processes.go_on()
        self.looks_again = None if self._store.machines is None else ticks()

    def interrupt(self) -> None:
        """Mark runs that ended processes left as interrupted, and end those here that others so marked, or
        that have to end for the next occurrence.
        """
        ours = {*self._processes.runs, *self._unwritten}
        found = self._commits.read(self._found_running, ours)
        # A process that has not joined is not notified when machines start or stop, so it polls.
        machines = self._store.machines
        again = found.others or (machines is not None and machines.own is None)
        self.looks_again = ticks() + LOOK_SECONDS if again else None
        for own in found.ours:  # before anything else, as others may be at work in their place
            self._end_lost(own)
            if own.kind == "running" and own.held:
                self._processes.end(own.id, CANCELLED)
        if found.left or found.ours:
            for own in self._commits.run(self._interrupt, found):
                self._end_lost(own)

    def _end_lost(self, own: Scheduled) -> None:
        """End a program here if others have written that it was interrupted; no more is written of it."""
        lost = own.kind == "send" and own.attrs["outcome"] == INTERRUPTED.outcome
        if lost and self._processes.end(own.id, LOST):
            log.warning("ending the program of the run %s: it counts as interrupted meanwhile", own.id)

    def look_again(self) -> None:
        """As `interrupt`, if there were runs of machines that may be alive, and some time has passed."""
        if self.looks_again is not None and ticks() >= self.looks_again:
            self.interrupt()

    def _found_running(self, ours: Collection[str]) -> Found:
        others = [row for row in self._store.agenda.programs("running") if row.id not in ours]
        found = [self._store.agenda.find(id) for id in ours]
        return Found([row for row in found if row is not None], others, self._left(others))

    def _left(self, rows: Sequence[Scheduled]) -> list[Scheduled]:
        """Those of the rows that run on a machine that is dead, as far as heartbeats tell."""
        living = () if not rows or self._store.machines is None else self._store.machines.living()
        return [row for row in rows if row.machine not in (self._machine_id, *living)]

    def _interrupt(self, found: Found) -> list[Scheduled]:
        """Inside a transaction: mark what was left as interrupted; ours as they are now."""
        machines, now = self._store.machines, self._now()
        self._store.need(*{row.pico_id for row in (*found.left, *found.ours)})
        again = [self._store.agenda.find(each.id) for each in found.left]
        for row in self._left([each for each in again if each is not None and each.kind == "running"]):
            if machines is None or machines.hold(row.id):
                self._store.agenda.become(finished(row, INTERRUPTED, now), now)
                if machines is not None:
                    machines.release(row.id)
        ours = [own for each in found.ours if (own := self._store.agenda.find(each.id)) is not None]
        for own in ours:
            if own.kind == "running" and machines is not None:
                machines.hold(own.id)  # if another session had it when ours began
        return ours

    def coming(self, found: Coming, without: LeftOut) -> Coming:
        """When it next has something to do, given when the first waiting program was requested."""
        if self._unwritten and self._unwritten.keys() - without.ids:
            return Coming(self._now())
        return NEVER if self._processes.stopping else found

    def run_due(self, coming: Coming, tick: Tick) -> Looked:
        if coming.due is None:
            return Looked()
        for id in self._unwritten.keys() - self.left_out(tick.stuck).ids:
            try:
                self._end(id, self._unwritten[id])
                self._release(id)
            except PicoschedError as error:
                tick.stuck[id] = error
        for row in self._commits.read(self._next_rows, self.left_out(tick.stuck)):
            run = partial(self._run, row.id)
            if not self.in_background(row.id, row.pico_id, run):
                try:
                    run()
                except PicoschedError as error:
                    tick.stuck[row.id] = error
        return Looked()  # no event is raised here

    def end_tick(self) -> None:
        """Nothing to forget."""

    def _next_rows(self, without: LeftOut) -> list[Scheduled]:
        """The next programs to run, in the order they were requested."""
        return [] if self._processes.stopping else self._store.agenda.programs("proc", TAKEN_UP, without)

    def _run(self, id: str) -> None:
        if self._processes.stopping or not self._held(id):
            return
        try:
            with self._processes.wake(id) as wake:
                self._run_held(id, wake)
        finally:
            self._release(id)

    def _release(self, id: str) -> None:
        """Take the mark of a run away, unless its end is still to be written."""
        if self._store.machines is not None and id not in self._unwritten:
            self._commits.read(self._store.machines.release, id)

    def _held(self, id: str) -> bool:
        """Whether this process alone may run it; others see that from then on."""
        return self._store.machines is None or self._commits.read(self._store.machines.hold, id)

    def _run_held(self, id: str, wake: Wake) -> None:
        try:
            program = self._commits.run(self._begin, id)
        except InDoubtError as error:  # it may be marked as running, and nothing else would end it
            self._end(id, Ended("not_started", why=error.message))
            return
        if program is None:
            return
        ended = INTERRUPTED
        try:
            ended = self._ended(program, wake)
        finally:
            self._end(id, ended)

    def _end(self, id: str, ended: Ended) -> None:
        """Write the end of a run; if the database fails, the next look writes it."""
        self._unwritten[id] = ended
        self._commits.run(self._finish, id, ended)
        self._unwritten.pop(id, None)

    def _begin(self, id: str) -> Program | None:
        """Mark a run as begun; None if it must not run, which its record then explains."""
        row = self._store.agenda.find(id)
        if row is None or row.kind != "proc" or row.status is not Status.PENDING:
            return None
        now, program = self._now(), program_of(row)
        try:
            self._loaded.load_running(row.pico_id, row.rid)
            allowed = allowed_as(program, self._settings.proc_allow)
        except StoreError:  # it is still to be run
            raise
        except PicoschedError as error:
            record = Fire(id, row.pico_id, now, now, Outcome.FAILED, why=str(error))
            self._store.settle(replace(row, status=Status.FINISHED), record)
            return None
        running = replace(row, kind="running", fired=now, machine=self._machine_id or None)
        self._store.agenda.become(running, now)
        return replace(program, cwd=program.cwd or allowed.home)

    def _ended(self, program: Program, wake: Wake) -> Ended:
        if self._rehearsed:
            return REHEARSED
        log.info("starting the program %s", program.path)
        seconds = SECONDS if program.timeout is None else program.timeout
        ended = self._processes.run(program, min(seconds, self._settings.proc_timeout), wake)
        log.info("the program %s ended: %s after %g s", program.path, ended.outcome, ended.duration)
        return ended

    def _finish(self, id: str, ended: Ended) -> None:
        row = self._store.agenda.find(id)
        if row is not None and row.kind == "running":
            now = self._now()
            self._store.agenda.become(finished(row, ended, now), now)


def program_of(row: Scheduled) -> Program:
    """The program of a row."""
    attrs: Mapping[str, Any] = row.attrs
    pairs = tuple((name, value) for name, value in attrs["env"])
    return Program(**{**attrs, "args": tuple(attrs["args"]), "env": pairs})


def finished(row: Scheduled, ended: Ended, now: datetime) -> Scheduled:
    """The row after its program has ended: the message that reports it."""
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
    return replace(row, kind="send", due=now, fired=None, held=False, attrs=attrs)
