"""Opening what commands work on: the engine on a database, with the settings that hold here."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

from picosched.clock import SystemClock, format_time, parse_time
from picosched.errors import PicoschedError

if TYPE_CHECKING:
    from picosched.engine.engine import Engine
    from picosched.settings import Settings

TOML = Path("picosched.toml")
SHORT = 8
"""Characters of an id that tables show. Commands take any beginning that only one id has."""


def settings_here() -> Settings:
    """The settings of `picosched.toml` in this folder, if there is one, and of the environment."""
    from picosched.settings import load_settings

    return load_settings(TOML if TOML.exists() else None, os.environ)


@contextmanager
def opened(db: Path, *, readonly: bool = False, make: bool = False) -> Iterator[Engine]:
    """The engine on a database; only with `make` is a new file made of a name that is not there.

    What is `readonly` works beside a picosched that has the database.
    """
    from picosched.engine.engine import Engine

    if not make and not db.exists():
        raise PicoschedError(
            f"there is no database {db}; `picosched install RULESET --db {db}` makes one", "not_found"
        )
    with Engine(db, settings=settings_here(), readonly=readonly) as engine:
        yield engine


def bring_sources(engine: Engine) -> None:
    """Have the sources that stand in `picosched.toml`, and say what is new in that.

    Without the file all stays as it is: whoever stands in another folder did not ask for their end.
    """
    from picosched.cli.printing import write
    from picosched.sources.reading import load_sources

    if not TOML.exists():
        return
    brought = engine.bring_sources(load_sources(TOML))
    for word, labels in (
        ("added", brought.added),
        ("changed", brought.changed),
        ("removed", brought.removed),
    ):
        if labels:
            write(f"sources of {TOML} {word}: {', '.join(labels)}", stderr=True)


def ruleset_at(place: str) -> str | Path:
    """Where a ruleset is: a URL as it is, else a path, also if it has the look of a ruleset's text."""
    return place if "://" in place or place.startswith("file:") else Path(place)


def end_of_pause(until: str | None) -> datetime | None:
    """The time of `--until`; PicoschedError `invalid` for one that has passed, as nothing would be paused."""
    time = None if until is None else parse_time(until)
    now = SystemClock().now()
    if time is not None and time <= now:
        found = f"found {format_time(time)} as the end of a pause"
        raise PicoschedError(f"{found}, wanted a time that is still to come: it is {format_time(now)}")
    return time
