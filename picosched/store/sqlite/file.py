"""The file of a database: its permissions, its locks, and whether it is still in place.

Only one picosched at a time may write a database, whatever name it opens it by. Two locks ensure that; the
operating system releases both when the process ends for any reason:

- `FILE-lock`, next to the resolved file, works everywhere and contains the id of the process.
- On systems with open file description locks (Linux), one byte of the database file itself, after those that
  SQLite locks. This lock belongs to the inode, so it also holds through another mount, and after the file was
  renamed. A POSIX lock would not do: a process loses all its locks on a file, SQLite's too, when it closes
  any descriptor of that file. For the same reason our own descriptor is closed only when no database of this
  process has the file open.

A file with two names (hard links) is always refused: SQLite looks for the log next to the name it was given,
so through the other name the last turns would be missing.
"""

from __future__ import annotations

import logging
import os
import stat
import struct
import threading
from contextlib import suppress
from errno import EACCES, EAGAIN
from pathlib import Path
from typing import TYPE_CHECKING

from picosched.errors import PicoschedError
from picosched.store.faults import StoreError

if TYPE_CHECKING:
    from filelock import FileLock

try:
    import fcntl

    SET_LOCK: int | None = fcntl.F_OFD_SETLK
except (ImportError, AttributeError):
    SET_LOCK = None

log = logging.getLogger(__name__)

LOCK_BYTE = 0x4000_0400
"""The byte we lock; SQLite locks 0x40000000 and the 511 after it."""

MODE = 0o600
"""Only the owner may read and write a database, because ecis are secrets."""

OTHERS = 0o007
BESIDE = ("", "-wal", "-shm", "-lock")
"""The suffixes of a database's files."""

Inode = tuple[int, int]


class Opened:
    """One inode that this process has open."""

    __slots__ = ("descriptor", "locked", "users")

    def __init__(self) -> None:
        self.users = 0
        self.locked = False
        self.descriptor: int | None = None


_mutex = threading.Lock()
_opened: dict[Inode, Opened] = {}


def _forget_in_child() -> None:
    """A forked process does not own its parent's databases, and must not hold their locks."""
    global _mutex
    _mutex = threading.Lock()
    for each in _opened.values():
        if each.descriptor is not None:
            os.close(each.descriptor)
    _opened.clear()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)


class DatabaseFile:
    """The file of one open database. Release it once the connection is closed.

    Unless readonly, a missing file is created, readable by its owner only.
    """

    def __init__(self, name: str, *, readonly: bool) -> None:
        self.name = name
        self.path = _resolved(name)
        self.log = Path(f"{self.path}-wal")
        """SQLite's write-ahead log."""
        _check_place(name, self.path, readonly)
        if not readonly:
            _make(name, self.path)
        self._beside: FileLock | None = None
        self._locked = self._released = False
        try:
            status = self.path.stat()
        except OSError as cause:
            raise _refused(name, cause) from cause
        if not stat.S_ISREG(status.st_mode):
            raise PicoschedError(f"{name} is not a regular file, wanted a database")
        if status.st_nlink > 1:
            raise PicoschedError(
                f"the database {name} has {status.st_nlink} names (hard links), wanted one: the last writes "
                "are in a log next to only one of them; copy it to a file of its own",
                "conflict",
            )
        self._inode = _inode(status)
        self._in_place = [(str(self.path), self._inode)]
        """Paths that must keep their inodes."""
        with _mutex:
            self._opened = _opened.setdefault(self._inode, Opened())
            self._opened.users += 1

    def lock(self) -> None:
        """Lock the file for this database; `conflict` if another one has it."""
        self._beside = _lock_beside(self.name, f"{self.path}-lock")
        with _mutex:
            opened = self._opened
            if opened.locked:
                raise _in_use(self.name, "this process, by another name")
            if SET_LOCK is not None:
                if opened.descriptor is None:
                    opened.descriptor = _open(self.name, self.path)
                if not _set_lock(opened.descriptor, fcntl.F_WRLCK):
                    raise _in_use(self.name, "another picosched, by another name")
            opened.locked = self._locked = True
        self.check_there()

    def narrow(self) -> None:
        """Restrict access to the owner if all users have access.

        Such a file was made by an older picosched or by accident. A group's access is left alone, as somebody
        granted it on purpose.
        """
        if not hasattr(os, "geteuid"):
            return
        narrowed = []
        for suffix in BESIDE:
            path = Path(f"{self.path}{suffix}")
            with suppress(OSError):
                status = path.lstat()
                ours = stat.S_ISREG(status.st_mode) and status.st_uid == os.geteuid()
                if ours and status.st_mode & OTHERS:
                    path.chmod(MODE)
                    narrowed.append(str(path))
        if narrowed:
            files = ", ".join(narrowed)
            log.warning("all users had access to these files; now only their owner has: %s", files)

    @property
    def size(self) -> int:
        """The size in bytes; 0 if the file no longer exists."""
        return _size(self.path)

    @property
    def has_log(self) -> bool:
        """Whether the log may have writes that are not in the file."""
        return _size(self.log) > 0

    def watch_log(self) -> None:
        """Have `check_there` check the log too, if there is one."""
        with suppress(FileNotFoundError):
            self._in_place[1:] = [(str(self.log), _inode(self.log.stat()))]

    def check_there(self, *, without_log: bool = False) -> None:
        """StoreError if the file or its log was moved, deleted or replaced: writes would be lost."""
        if without_log:
            del self._in_place[1:]
        for path, inode in self._in_place:
            _check_same(path, inode)

    def release(self) -> None:
        """Release the locks. A second call does nothing."""
        if self._released:
            return
        self._released = True
        with _mutex:
            if _opened.get(self._inode) is self._opened:  # else this is a forked child
                self._let_go()
        if self._beside is not None:
            self._beside.release()

    def _let_go(self) -> None:
        opened = self._opened
        opened.users -= 1
        if self._locked:
            opened.locked = False
            if opened.descriptor is not None:
                _set_lock(opened.descriptor, fcntl.F_UNLCK)
        if not opened.users:
            if opened.descriptor is not None:
                os.close(opened.descriptor)
            del _opened[self._inode]


def check_unused(file: Path) -> None:
    """`conflict` if a file that is to be replaced has a log; SQLite would read it with the new one."""
    log = Path(f"{file}-wal")
    if _size(log):
        raise PicoschedError(f"{file} is a database in use: it has a log {log}", "conflict")


def _resolved(name: str) -> Path:
    try:
        return Path(name).resolve()
    except (OSError, RuntimeError) as cause:  # a loop of links
        raise PicoschedError(f"cannot open {name}: {cause}") from cause


def _check_place(name: str, path: Path, readonly: bool) -> None:
    if path.is_dir():
        raise PicoschedError(f"{name} is a folder, wanted a file")
    if not path.parent.is_dir():
        folder = path.parent if Path(name).is_symlink() else Path(name).parent
        raise PicoschedError(f"there is no folder {folder} to keep {path.name} in", "not_found")
    if readonly and not path.exists():
        raise PicoschedError(f"there is no database {name}", "not_found")


def _make(name: str, path: Path) -> None:
    """Create the file unless it exists. SQLite gives its log and index the mode of the file."""
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, MODE))
    except FileExistsError:
        pass
    except OSError as cause:
        raise _refused(name, cause) from cause


def _open(name: str, path: Path) -> int:
    try:
        return os.open(path, os.O_RDWR)
    except OSError as cause:
        raise _refused(name, cause) from cause


def _inode(status: os.stat_result) -> Inode:
    return status.st_dev, status.st_ino


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _check_same(path: str, inode: Inode) -> None:
    found: Inode | None
    try:
        found = _inode(os.stat(path))  # noqa: PTH116 (called at every commit, and this is faster)
    except FileNotFoundError:
        found = None
    except OSError as cause:
        raise StoreError(f"cannot access {path}: {cause.strerror}; nothing of this was kept") from cause
    if found != inode:
        what = "replaced by another file" if found else "deleted or moved"
        raise StoreError(
            f"{path} was {what} while picosched had it open, wanted it in its place; nothing of this was kept"
        )


def _set_lock(descriptor: int, kind: int) -> bool:
    """Lock or unlock the byte; False if another process has it.

    True on file systems without such locks, which have only the lock file.
    """
    assert SET_LOCK is not None
    try:
        fcntl.fcntl(descriptor, SET_LOCK, struct.pack("hhqqi", kind, os.SEEK_SET, LOCK_BYTE, 1, 0))
    except OSError as fault:
        return fault.errno not in (EACCES, EAGAIN)
    return True


def _lock_beside(name: str, place: str) -> FileLock:
    from filelock import FileLock, Timeout  # late: readers take no lock

    lock = FileLock(place, timeout=0, thread_local=False, mode=MODE)
    try:
        lock.acquire()
    except Timeout as cause:
        raise _in_use(name, _holder(place)) from cause
    except OSError as cause:
        raise PicoschedError(f"cannot write {place}: {cause.strerror}", "refused") from cause
    with suppress(OSError):  # only used in the error message for other processes
        Path(place).write_text(str(os.getpid()))
    return lock


def _holder(place: str) -> str:
    """The holder of the lock, according to the lock file."""
    try:
        return f"another picosched (process {int(Path(place).read_text())})"
    except (OSError, ValueError):
        return "another picosched"


def _in_use(name: str, holder: str) -> PicoschedError:
    return PicoschedError(f"the database {name} is in use by {holder}", "conflict")


def _refused(name: str, cause: OSError) -> PicoschedError:
    return PicoschedError(f"the database {name} cannot be opened: {cause.strerror}", "refused")
