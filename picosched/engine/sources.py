"""What an engine has to say of sources: declare them, look at them, pause and remove them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from picosched.checked import json_object
from picosched.clock import parse_time
from picosched.engine.wiring import P, Wiring
from picosched.errors import PicoschedError
from picosched.sources.reading import read_source
from picosched.sources.source import Source
from picosched.sources.state import SourceState
from picosched.turns import sources as declaring
from picosched.turns.sources import Brought

log = logging.getLogger(__name__)


class Sourced(Wiring):
    """The part of an engine that is about sources. Every method may raise PicoschedError of the store."""

    def add_source(self, declaration: Mapping[str, Any]) -> str:
        """Make a source, of the keys of a table [[source]]; its id.

        `invalid` for what is wrong in it, `conflict` if there is one of its name, `not_found` if the pico or
        the channel that is meant is not there. A file is looked for from the working folder.
        """
        return self.add_sources([read_source(declaration, folder=Path())])[0]

    def add_sources(self, sources: Sequence[Source]) -> list[str]:
        """Make sources that were read, all of them or none; their ids. Errors as for `add_source`."""
        for source in sources:
            json_object(source.given, "the source", self.settings.limits.max_attrs_bytes)
        ids = [self.new_id() for _ in sources]

        def work() -> None:
            with self.store.savepoint():
                for source, id in zip(sources, ids, strict=True):
                    declaring.check_target(self.store, source.to)
                    declaring.add(self.store, source, id, self.now())

        self.write(work)
        self.look_again()
        return ids

    def sources(self) -> list[SourceState]:
        """All sources, in the order they were made, with what came of them so far."""
        return self.read(declaring.states, self.store)

    def source(self, id: str) -> SourceState:
        """The source of that id or name; `not_found` if there is none."""
        return self.read(lambda: declaring.state_of(self.store, declaring.load(self.store, id)))

    def remove_source(self, id: str) -> bool:
        """Remove a source, by its id or name; True if there was one.

        `conflict` if it stands in picosched.toml: it would be back at the next start.
        """
        return self._change(declaring.remove, self.store, id)

    def pause_source(self, id: str, until: str | datetime | None = None) -> bool:
        """Let a source wait, `until` then or until it is resumed; True if there is one of that id or name."""
        time = parse_time(until) if isinstance(until, str) else until
        return self._change(declaring.pause, self.store, id, time)

    def resume_source(self, id: str) -> bool:
        """Let a paused source go on with its next occurrence; True if it was paused."""
        return self._change(declaring.resume, self.store, id, self.now())

    def bring_sources(self, sources: Sequence[Source]) -> Brought:
        """Have of a configuration file just these sources: what is new is made, what is gone is removed.

        `load_sources` of `picosched.sources.reading` reads them. `conflict` if one has the name of another
        that was made while running.
        """

        def work() -> Brought:
            with self.store.savepoint():
                brought = declaring.bring_in_line(self.store, sources, self.now(), self.new_id)
            for source in sources:
                try:
                    declaring.check_target(self.store, source.to)
                except PicoschedError as error:
                    log.warning("the source %s has nobody to go to yet: %s", source.label, error)
            return brought

        brought = self.write(work)
        self.look_again()
        return brought

    def _change(self, work: Callable[P, bool], *args: P.args, **named: P.kwargs) -> bool:
        changed = self.write(work, *args, **named)
        if changed:
            self.look_again()
        return changed
