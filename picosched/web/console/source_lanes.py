"""The sources of the timeline: a lane for each source, with a track for each entry that comes in its time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from picosched.engine.engine import Engine
from picosched.schedule.filter import Filter
from picosched.web.console.lanes import Axis, Mark, joined, more_after, slots_of

STEPS = 1_500
"""Times of an entry that are computed."""

MOST_TRACKS = 40


@dataclass(frozen=True, slots=True)
class SourceTrack:
    """An entry of a source, with its fires."""

    id: str
    event: str
    source_id: str
    source: str
    marks: tuple[Mark, ...]


def source_tracks(engine: Engine, which: Filter, axis: Axis) -> list[SourceTrack]:
    """The tracks of the sources that fit a filter; one by pico or ruleset means schedules only."""
    if which.pico_id or which.rid:
        return []
    words = (which.text or "").casefold()
    coming = [
        each
        for each in engine.coming_of_sources(axis.end)
        if words in f"{each[0].of} {each[0].event}".casefold()
    ]
    tracks: list[SourceTrack] = []
    for what, source_id, times in coming[:MOST_TRACKS]:
        found = [*islice(times, STEPS + 1)]
        slots = slots_of(found[:STEPS], axis)
        if len(found) > STEPS:
            slots = more_after(slots, axis)
        tracks.append(SourceTrack(what.id, what.event, source_id, what.of, joined(slots, axis)))
    return tracks


def by_source(tracks: list[SourceTrack]) -> Iterator[tuple[str, list[SourceTrack]]]:
    """The tracks of each source."""
    for id in dict.fromkeys(each.source_id for each in tracks):
        yield id, [each for each in tracks if each.source_id == id]
