"""Runs programs for rules, each in its own process group.

No shell stands between: a program is given its words as they are, PATH, LANG and the variables that its rule
sets and may set, no open file but its three streams, and no more time than it may have. What it writes is
read to the end, so that it never has to wait, and kept up to a bound. A program that is out of time is asked
to end (SIGTERM) and then made to (SIGKILL), with all of its group. What it leaves running in the background
when it ends by itself is left alone.

This is for POSIX systems.
"""

from __future__ import annotations

import os
import selectors
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from subprocess import PIPE, Popen
from typing import Any

from picosched.clock import ticks
from picosched.krl.scope import Program

SECONDS = 60.0
"""The default time limit of a program."""

GRACE = 5.0
"""Seconds from SIGTERM to SIGKILL."""

MOST_BYTES = 65_536
"""Bytes kept of standard output, and as many of standard error."""

CHUNK = 65_536
EXITED, STOP = b"e", b"s"

_groups: set[int] = set()
"""The process groups of all running programs of this process."""


def kill_all() -> None:
    """Kill all running programs without waiting, before the process ends."""
    for group in [*_groups]:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)


@dataclass(frozen=True, slots=True)
class Ended:
    """The result of a run.

    `outcome`: exited · timeout · interrupted (the engine ended meanwhile) · cancelled (its schedule's next
    occurrence came) · not_started · rehearsed.
    """

    outcome: str
    exit: int | None = None
    """The exit status; None if a signal ended it or it never started."""
    signal: str | None = None
    stdout: str = ""
    stderr: str = ""
    truncated: bool = False
    """Whether it wrote more than is kept."""
    duration: float = 0.0
    """Seconds."""
    why: str | None = None
    """The reason, unless it exited by itself."""


INTERRUPTED = Ended("interrupted", why="the engine ended while it ran")
CANCELLED = Ended("cancelled", why="the next occurrence of the schedule came due")
LOST = Ended("interrupted", why="its machine was taken for dead while it ran")
REHEARSED = Ended("rehearsed", exit=0, why="no program is run on virtual time")


class Wake:
    """A pipe that wakes who follows a process, and why it has to end."""

    def __init__(self) -> None:
        self.read, self._write = os.pipe()
        self.why = INTERRUPTED

    def tell(self, what: bytes) -> None:
        os.write(self._write, what)

    def close(self) -> None:
        os.close(self.read)
        os.close(self._write)


class Processes:
    """Runs programs; thread-safe."""

    def __init__(self, *, kept: int = MOST_BYTES, grace: float = GRACE) -> None:
        self._kept = kept
        self._grace = grace
        self._mutex = threading.Lock()
        self._wakes: dict[Wake, str] = {}
        """To wake the threads of running programs, with the ids of the runs."""
        self._stopping = False

    @property
    def stopping(self) -> bool:
        return self._stopping

    @property
    def runs(self) -> set[str]:
        """The ids of the runs that have a wake."""
        with self._mutex:
            return {*self._wakes.values()}

    def run(self, program: Program, seconds: float, wake: Wake | None = None) -> Ended:
        """Run a program and wait for its end. A `wake` that was made before can end it."""
        began = ticks()
        try:
            process = Popen(
                [program.path, *program.args],
                stdin=PIPE,
                stdout=PIPE,
                stderr=PIPE,
                bufsize=0,
                cwd=program.cwd,
                env=environment(program),
                start_new_session=True,
            )
        except (OSError, ValueError) as fault:
            where = f"{fault.filename}: " if isinstance(fault, OSError) and fault.filename else ""
            return Ended("not_started", why=f"{where}{getattr(fault, 'strerror', None) or fault}")
        _groups.add(process.pid)
        try:
            with process, self.wake() if wake is None else nullcontext(wake) as own:
                run = Run(process, own, (program.stdin or "").encode("utf-8", "replace"), self._kept)
                why = run.follow(seconds, self._grace)
        finally:
            _groups.discard(process.pid)
        code = process.returncode
        return Ended(
            outcome=why.outcome if why else "exited",
            exit=code if code >= 0 else None,
            signal=_name_of(-code) if code < 0 else None,
            stdout=run.output.text,
            stderr=run.errors.text,
            truncated=run.output.dropped or run.errors.dropped,
            duration=round(ticks() - began, 3),
            why=why.why if why else None,
        )

    def stop(self) -> None:
        """End all running programs, and start none until `go_on`. Idempotent."""
        with self._mutex:
            if self._stopping:
                return
            self._stopping = True
            for wake in self._wakes:
                wake.tell(STOP)

    def end(self, id: str, why: Ended) -> bool:
        """End the program of a run; False if there is no wake for it, or it was told before."""
        with self._mutex:
            wake = next((each for each, of in self._wakes.items() if of == id), None)
            if wake is None or wake.why is not INTERRUPTED:
                return False
            wake.why = why
            wake.tell(STOP)
            return True

    def go_on(self) -> None:
        self._stopping = False

    @contextmanager
    def wake(self, id: str = "") -> Iterator[Wake]:
        """What `stop` tells, and `end` if it has an id."""
        wake = Wake()
        with self._mutex:
            self._wakes[wake] = id
            if self._stopping:
                wake.tell(STOP)
        try:
            yield wake
        finally:
            with self._mutex:
                del self._wakes[wake]
            wake.close()


class Kept:
    """The beginning of a program's output."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._bytes = bytearray()
        self.dropped = False

    def take(self, chunk: bytes) -> None:
        room = self._most - len(self._bytes)
        self._bytes += chunk[:room]
        self.dropped = self.dropped or len(chunk) > room

    @property
    def text(self) -> str:
        return self._bytes.decode("utf-8", "replace")


class Run:
    """One process, followed to its end: fed, read, and ended when it has to be."""

    def __init__(self, process: Popen[bytes], wake: Wake, feed: bytes, kept: int) -> None:
        self.output, self.errors = Kept(kept), Kept(kept)
        self._process = process
        self._wake = wake
        self._feed = memoryview(feed)
        self._exited = False
        self._until = 0.0
        """Its deadline, in `ticks`."""
        self._ended: Ended | None = None
        """Why it has to end early."""

    def follow(self, seconds: float, grace: float) -> Ended | None:
        """Wait until it has ended; return the reason if it was made to."""
        waiting = threading.Thread(target=self._wait, name="picosched waits for a program", daemon=True)
        waiting.start()
        timeout = Ended("timeout", why=f"it took more than {seconds:g} seconds")
        try:
            with selectors.DefaultSelector() as selector:
                self._register(selector)
                signals, self._until = iter((signal.SIGTERM,)), ticks() + seconds
                while not self._exited:
                    for key, _ in selector.select(max(0.0, self._until - ticks())):
                        self._attend(selector, key)
                    if not self._exited and ticks() >= self._until:
                        self._ended = self._ended or timeout
                        self._signal(next(signals, signal.SIGKILL))
                        self._until = ticks() + grace
                self._drain(selector)
        finally:
            if not self._exited:
                self._signal(signal.SIGKILL)
            waiting.join()
        if self._ended is not None:  # its child processes must end too
            self._signal(signal.SIGKILL)
        return self._ended

    def _wait(self) -> None:
        self._process.wait()
        self._wake.tell(EXITED)

    def _register(self, selector: selectors.BaseSelector) -> None:
        process = self._process
        assert process.stdin and process.stdout and process.stderr
        for stream, kept in ((process.stdout, self.output), (process.stderr, self.errors)):
            os.set_blocking(stream.fileno(), False)
            selector.register(stream, selectors.EVENT_READ, kept)
        selector.register(self._wake.read, selectors.EVENT_READ)
        if self._feed:
            os.set_blocking(process.stdin.fileno(), False)
            selector.register(process.stdin, selectors.EVENT_WRITE)
        else:
            process.stdin.close()

    def _attend(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> None:
        if key.fd == self._wake.read:
            told = os.read(self._wake.read, CHUNK)
            self._exited = self._exited or EXITED in told
            if STOP in told and not self._exited and self._ended is None:  # told again, its grace goes on
                self._ended, self._until = self._wake.why, 0.0
        elif isinstance(key.data, Kept):
            self._read(selector, key)
        else:
            self._write(selector, key.fileobj)

    def _read(self, selector: selectors.BaseSelector, key: selectors.SelectorKey) -> bool:
        """Read some; False if there is no more for now."""
        try:
            chunk = os.read(key.fd, CHUNK)
        except BlockingIOError:
            return False
        if not chunk:
            selector.unregister(key.fileobj)
            return False
        key.data.take(chunk)
        return True

    def _write(self, selector: selectors.BaseSelector, stream: Any) -> None:
        try:
            self._feed = self._feed[os.write(stream.fileno(), self._feed) :]
        except BlockingIOError:
            return
        except BrokenPipeError:  # it does not want to read on
            self._feed = self._feed[:0]
        if not self._feed:
            selector.unregister(stream)
            stream.close()

    def _drain(self, selector: selectors.BaseSelector) -> None:
        """Read its remaining output, without waiting for its background processes."""
        for key in [*selector.get_map().values()]:
            if isinstance(key.data, Kept):
                while not key.data.dropped and self._read(selector, key):
                    pass

    def _signal(self, number: signal.Signals) -> None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)


def environment(program: Program) -> dict[str, str]:
    """The engine's PATH and LANG plus the rule's variables, and nothing else."""
    usual = {"PATH": os.environ.get("PATH", os.defpath), "LANG": os.environ.get("LANG", "C.UTF-8")}
    return usual | dict(program.env)


def _name_of(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"
