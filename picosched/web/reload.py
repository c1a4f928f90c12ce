"""Installs ruleset files on the root pico, at the start and when they change.

If a file has errors they are logged, and the old version stays.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from pathlib import Path

from picosched.engine.engine import Engine
from picosched.errors import KrlError, PicoschedError
from picosched.krl.source import read_source
from picosched.store.picos import hash_of
from picosched.web.logs import fields

log = logging.getLogger("picosched.rulesets")


def install(engine: Engine, place: str | Path) -> None:
    """Install a ruleset on the root pico, unless the same text is installed."""
    if isinstance(place, Path):
        text = read_source(place)
        if any(row.hash == hash_of(text) for row in engine.root.rulesets().values()):
            return
    ruleset = engine.root.install(place)
    log.info("installed", **fields(rid=ruleset.rid, origin=str(place)))


def reinstall(engine: Engine, file: Path) -> None:
    """Like `install`, but log errors, with the source line."""
    try:
        install(engine, file)
    except PicoschedError as error:
        told = str(error)
        if isinstance(error, KrlError):
            told = "\n".join(each.render(_text_of(file)) for each in (error, *error.others))
        log.error("not installed, the old version stays", **fields(origin=str(file), error=told))


async def watch(engine: Engine, files: Sequence[Path], stopping: asyncio.Event) -> None:
    """Reinstall files when they change, until `stopping`.

    Watches their folders, because many editors replace files instead of writing to them.
    """
    from watchfiles import Change, awatch  # few servers watch their files

    wanted = {file.resolve(): file for file in files}

    def concerns(change: Change, path: str) -> bool:
        return change is not Change.deleted and Path(path).resolve() in wanted

    folders = {file.parent for file in wanted}
    async for changes in awatch(*folders, watch_filter=concerns, stop_event=stopping, recursive=False):
        for path in sorted({Path(path).resolve() for _, path in changes}):
            await asyncio.to_thread(reinstall, engine, wanted[path])


def _text_of(file: Path) -> str | None:
    try:
        return read_source(file)
    except PicoschedError:
        return None
