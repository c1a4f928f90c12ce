"""Snapshots: copies of the whole database from time to time, from which the past can be replayed.

A snapshot is an SQLite file, whatever keeps the database, so that whoever replays needs nothing else. It is
made from a second connection, in a thread of its own if the engine runs in the background; nobody waits for
it. It gets its name, with the time up to which it has the turns, once it is on disk. The oldest are deleted
beyond `snapshots_kept`. Other files of the folder, also the snapshots of other databases, are left alone;
what a process left unfinished that was killed is removed before the next snapshot.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Callable
from contextlib import closing, suppress
from datetime import datetime, timedelta
from pathlib import Path
from shutil import rmtree
from tempfile import TemporaryDirectory

from picosched.clock import format_time, parse_time, shifted
from picosched.due.background import Background
from picosched.due.wired import Wired
from picosched.errors import PicoschedError
from picosched.settings import Settings
from picosched.store.picos import PicoRow
from picosched.store.port import MEMORY
from picosched.store.store import Store

log = logging.getLogger(__name__)

NAME = re.compile(r"picos-([0-9a-f]{8})-(\d{4}-\d\d-\d\dT)(\d\d)(\d\d)(\d\d(?:\.\d{1,6})?Z)\.db")
UNFINISHED = ".picos-"
"""How the names of folders begin in which a snapshot is being made."""
LOCK = "lock"
"""The file in such a folder that its process has locked as long as it lives."""
TRY_AGAIN = timedelta(minutes=10)
"""After a snapshot that failed."""


class Snapshots(Background):
    """Makes a snapshot whenever the newest is `snapshot_hours` old, if the settings name a folder for them.

    None unless `wanted`, as in a rehearsal. For one thread at a time.
    """

    def __init__(self, wired: Wired, *, wanted: bool) -> None:
        super().__init__("picosched-snapshot", wired.look_again, at_once=1, of_one=1, line=1)
        store, settings = wired.store, wired.settings
        self._store, self._commits, self._now = store, wired.commits, wired.now
        lasting = not store.readonly and store.address != MEMORY
        self.wanted = bool(wanted and settings.snapshots_in and lasting)
        self._folder = Path(settings.snapshots_in)
        self._kept = settings.snapshots_kept
        self._every = timedelta(hours=settings.snapshot_hours)
        self._next: datetime | None = None

    @property
    def next_look(self) -> datetime | None:
        """When the next one is due; None if none is."""
        if not self.wanted:
            return None
        if self._next is None:
            root = root_of(self._store, self._commits.read)
            try:
                newest = max(snapshots(self._folder, root), default=None)
            except PicoschedError as fault:
                self._next = shifted(self._now(), min(self._every, TRY_AGAIN))
                self._told(fault)
            else:
                self._next = self._now() if newest is None else shifted(newest, self._every)
        return self._next

    def look(self) -> None:
        """Make a snapshot if one is due; in the background, if there is one."""
        due, now = self.next_look, self._now()
        if due is not None and due <= now:
            self._next = shifted(now, min(self._every, TRY_AGAIN))
            if not self.in_background("snapshot", "", self._make):
                self._make()

    def _make(self) -> None:
        root = root_of(self._store, self._commits.read)
        try:
            self._next = shifted(self._copy(root), self._every)
            found = snapshots(self._folder, root)
        except (OSError, PicoschedError) as fault:
            self._told(fault)
            return
        for old in sorted(found)[: -self._kept]:
            try:
                found[old].unlink(missing_ok=True)
            except OSError as fault:
                log.error("the old snapshot %s could not be deleted: %s", found[old], fault.strerror)

    def _told(self, fault: Exception) -> None:
        log.error("no snapshot could be made in %s: %s", self._folder, fault)

    def _copy(self, root: str) -> datetime:
        """Make a snapshot; returns the time up to which it has the turns."""
        # Late, as few engines make any.
        from filelock import FileLock

        from picosched.store.copying import copy_to

        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        remove_left_over(self._folder)
        with (
            TemporaryDirectory(prefix=UNFINISHED, dir=self._folder) as folder,
            FileLock(Path(folder) / LOCK, thread_local=False),
        ):
            file, source = Path(folder) / "picos.db", self._store.address
            if not self._store.local:
                with closing(Store(source, readonly=True)) as copied:
                    source = str(Path(folder) / "copied.db")
                    copied.copy(source).close()
            copy_to(source, file)
            descriptor = os.open(file, os.O_RDONLY)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
            time = self._now()
            file.replace(self._folder / name_of(root, time))
        return time


def remove_left_over(folder: Path) -> None:
    """Remove the unfinished snapshots of processes that are dead."""
    from filelock import FileLock, Timeout

    for each in folder.glob(f"{UNFINISHED}*"):
        lock = FileLock(each / LOCK, timeout=0, thread_local=False)
        with suppress(Timeout, OSError):  # it is being made, or another user's
            lock.acquire()
            lock.release()
            rmtree(each)


def root_of(store: Store, read: Callable[[Callable[[], PicoRow | None]], PicoRow | None]) -> str:
    """The id of the root pico, by which the snapshots of databases are told apart; "" if there is none."""
    row = read(store.picos.find_root)
    return "" if row is None else row.id


def name_of(root: str, time: datetime) -> str:
    return f"picos-{root[:8]}-{format_time(time).replace(':', '')}.db"


def snapshots(folder: Path, root: str) -> dict[datetime, Path]:
    """The snapshots of a database in a folder: the time up to which each has the turns → its file.

    `refused` if the folder cannot be read.
    """
    try:
        files = [*folder.iterdir()] if folder.is_dir() else []
    except OSError as cause:
        raise PicoschedError(f"cannot read the folder {folder}: {cause.strerror}", "refused") from cause
    return {time: each for each in files if (time := _time_of(each.name, root)) is not None}


def _time_of(name: str, root: str) -> datetime | None:
    """The time in the name of a snapshot of a database; None for other names."""
    found = NAME.fullmatch(name)
    if found is None or found[1] != root[:8]:
        return None
    try:
        return parse_time(f"{found[2]}{found[3]}:{found[4]}:{found[5]}")
    except PicoschedError:  # 30 February, which no snapshot is of
        return None


def snapshot_before(settings: Settings, root: str, time: datetime) -> Path:
    """The newest snapshot of a database up to a time. `not_found`, with since when the state is known."""
    otherwise = "start from a backup instead: --from-backup FILE"
    if not settings.snapshots_in:
        raise PicoschedError(
            f"there are no snapshots to start from, as the setting snapshots_in names no folder; {otherwise}",
            "not_found",
        )
    found = snapshots(Path(settings.snapshots_in), root)
    if not found:
        where = f"found no snapshot of this database in {settings.snapshots_in}"
        raise PicoschedError(f"{where}; {otherwise}", "not_found")
    before = [each for each in found if each <= time]
    if not before:
        raise PicoschedError(
            f"found the time {format_time(time)}, wanted {format_time(min(found))} or later, "
            f"when the oldest snapshot was made; {otherwise}",
            "not_found",
        )
    return found[max(before)]
