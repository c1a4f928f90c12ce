"""Temporary folders beside a database, each with a copy of it that a client is given."""

from __future__ import annotations

from glob import escape
from pathlib import Path
from shutil import rmtree

from picosched.engine.engine import Engine
from picosched.store.opening import is_server


def remove_left_over(engine: Engine) -> None:
    """Remove incomplete copies of a server that was killed. The caller must hold the database."""
    if is_server(engine.store.address):
        return
    place = Path(engine.store.name).absolute()
    for folder in place.parent.glob(f"{escape(prefix_of(place))}*"):
        rmtree(folder, ignore_errors=True)


def prefix_of(database: Path) -> str:
    """The prefix of temporary folders for copies of a database."""
    return f".{database.name}.backup-"
