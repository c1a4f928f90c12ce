"""Writes a file that gets its name once it is complete and on disk, so a partial file never has that name."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from picosched.errors import PicoschedError


def _sync(folder: Path) -> None:
    """Sync the names in a folder to disk, on systems where that is possible."""
    if os.name == "posix":
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def new_file(target: Path, *, force: bool = False) -> Iterator[Path]:
    """A file to write, which is renamed to `target` once it is on disk.

    `conflict` if `target` exists, unless `force`. After an exception there is no new file.
    """
    if target.exists() and not force:
        raise PicoschedError(f"there is a file {target} already; --force replaces it", "conflict")
    if target.is_dir():
        raise PicoschedError(f"{target} is a folder, wanted a file")
    try:
        descriptor, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")
    except OSError as cause:
        raise PicoschedError(f"cannot write {target}: {cause.strerror}") from cause
    os.close(descriptor)
    file = Path(name)
    try:
        yield file
        with file.open("rb+") as written:
            os.fsync(written.fileno())
        file.replace(target)
        _sync(target.parent)
    except OSError as cause:
        raise PicoschedError(f"cannot write {target}: {cause.strerror}") from cause
    finally:
        file.unlink(missing_ok=True)
