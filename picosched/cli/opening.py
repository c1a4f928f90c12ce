"""Opens the engine on a database, with the settings of this folder and environment."""

from __future__ import annotations

import gc
import logging
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


def settings_here(defaults: Settings | None = None, config: Path | None = None) -> Settings:
    """The settings from a file, by default `picosched.toml` in this folder if it exists, and from the
    environment."""
    from picosched.settings import load_settings

    return load_settings(config or (TOML if TOML.exists() else None), os.environ, defaults)


class _Form(logging.Formatter):
    """Formats messages logged without a configured log like errors."""

    def format(self, record: logging.LogRecord) -> str:
        return f"{record.levelname.lower()}: {super().format(record)}"


if logging.lastResort is not None:
    logging.lastResort.setFormatter(_Form())


@contextmanager
def opened(
    db: str | Path, *, readonly: bool = False, make: bool = False, defaults: Settings | None = None
) -> Iterator[Engine]:
    """Open the engine on a database; a missing file is created only with `make`.

    With `readonly` it works while another picosched has the database.
    """
    gc.disable()  # modules are no garbage, and looking for some takes a tenth of the time
    from picosched.acting import COMMAND_LINE, Actor
    from picosched.engine.engine import Engine
    from picosched.store.opening import is_there

    gc.enable()
    if not make and not is_there(db):
        raise PicoschedError(
            f"there is no database {db}; `picosched install RULESET --db {db}` creates it", "not_found"
        )
    with Engine(db, settings=settings_here(defaults), readonly=readonly) as engine:
        yield engine.acting(Actor(COMMAND_LINE, _user()))


def _user() -> str | None:
    """Who runs the command; None if that has no name here, as in some containers."""
    import getpass

    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return None


def bring_settings(engine: Engine) -> None:
    """Bring the sources of the settings; `conflict` if these and the database name one alert or window."""
    engine.check_alerts()
    engine.check_windows()
    _bring_sources(engine)


def _bring_sources(engine: Engine) -> None:
    """Apply the sources declared in `picosched.toml`, and print the changes.

    Without the file nothing changes, so starting in another folder does not remove sources.
    """
    from picosched.cli.printing import write
    from picosched.sources.reading import load_sources

    if not TOML.exists():
        return
    brought = engine.bring_sources(load_sources(TOML, engine.settings.almanac))
    for word, labels in (
        ("added", brought.added),
        ("changed", brought.changed),
        ("removed", brought.removed),
    ):
        if labels:
            write(f"sources of {TOML} {word}: {', '.join(labels)}", stderr=True)


def ruleset_at(place: str) -> str | Path:
    """The location of a ruleset: URLs stay strings; everything else is a path, even if it looks like a
    ruleset's text."""
    return place if "://" in place or place.startswith("file:") else Path(place)


def end_of_pause(until: str | None) -> datetime | None:
    """The time of `--until`; PicoschedError `invalid` if it has passed, as nothing would be paused."""
    time = None if until is None else parse_time(until)
    now = SystemClock().now()
    if time is not None and time <= now:
        found = f"found {format_time(time)} as the end of a pause"
        raise PicoschedError(f"{found}, wanted a time in the future: it is {format_time(now)}")
    return time
