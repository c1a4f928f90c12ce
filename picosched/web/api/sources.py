"""Sources: clocks and calendars independent of any ruleset, declared as in `picosched.toml`."""

from __future__ import annotations

from functools import partial
from typing import Any, Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field, RootModel

from picosched.clock import parse_time
from picosched.engine.engine import Engine
from picosched.errors import PicoschedError
from picosched.sources.reading import read_source
from picosched.web.api.needs import AUTHOR, OPERATE, READ
from picosched.web.api.shapes import AnEngine, Input, Whole

router = APIRouter(prefix="/api/sources", tags=["sources"])


class Declared(RootModel[dict[str, Any] | list[dict[str, Any]]]):
    """The keys of a table `[[source]]`: `type`, `name`, `to`, and those of its type; or a list of such."""


class Pause(Input):
    """The end of a pause."""

    until: str | None = Field(None, description="ISO 8601. Default: until it is resumed.")


class EntryShape(BaseModel):
    """An entry of a source, with its results so far."""

    id: str
    name: str
    event: str
    when: str = Field(description="In words.")
    due: str | None
    fires: int
    missed: int
    failed: int
    failures: int = Field(description="Failures in a row.")
    tries: int = Field(description="How often the occurrence for which it is due has failed already.")
    held: bool = Field(description="Whether it waits until the occurrence before has ended.")
    fired: str | None
    outcome: str | None
    error: str | None


class SourceShape(BaseModel):
    """A source."""

    id: str
    name: str | None
    type: Literal["metronome", "crononome", "crontab"]
    to: dict[str, str]
    declaration: Whole[dict[str, Any]]
    configured: bool = Field(description="Whether it is declared in picosched.toml.")
    created: str
    paused: bool
    paused_until: str | None
    due: str | None
    fires: int
    missed: int
    raised: int
    waiting: int = Field(description="Events on their way to another engine.")
    error: str | None
    entries: list[EntryShape]


@router.get("", dependencies=[READ])
def list_sources(engine: AnEngine) -> list[SourceShape]:
    """All sources, in order of creation."""
    return [SourceShape(**each.as_json()) for each in engine.sources()]


@router.post("", dependencies=[AUTHOR], status_code=201)
def add_source(declared: Declared, engine: AnEngine) -> SourceShape | list[SourceShape]:
    """Make a source, or those of a list, all or none. It may not name a file of the server's."""
    read = partial(read_source, almanac=engine.settings.almanac)
    if isinstance(declared.root, list):
        return [_shown(engine, id) for id in engine.add_sources([*map(read, declared.root)])]
    (id,) = engine.add_sources([read(declared.root)])
    return _shown(engine, id)


@router.get("/{source}", dependencies=[READ])
def show_source(source: str, engine: AnEngine) -> SourceShape:
    """A source, by its id or name."""
    return _shown(engine, source)


@router.delete("/{source}", dependencies=[AUTHOR], status_code=204)
def remove_source(source: str, engine: AnEngine) -> None:
    """Remove a source; 409 for one declared in picosched.toml."""
    if not engine.remove_source(source):
        raise PicoschedError(f"there is no source {source}", "not_found")


@router.post("/{source}/pause", dependencies=[OPERATE])
def pause_source(source: str, engine: AnEngine, how: Pause | None = None) -> SourceShape:
    """Pause it, until a time or until it is resumed."""
    engine.source(source)
    engine.pause_source(source, None if how is None or how.until is None else parse_time(how.until))
    return _shown(engine, source)


@router.post("/{source}/resume", dependencies=[OPERATE])
def resume_source(source: str, engine: AnEngine) -> SourceShape:
    """Resume it with its next occurrence."""
    engine.source(source)
    engine.resume_source(source)
    return _shown(engine, source)


def _shown(engine: Engine, id: str) -> SourceShape:
    return SourceShape(**engine.source(id).as_json())
