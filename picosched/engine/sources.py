"""The engine's methods for sources: adds, lists, pauses and removes them."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Concatenate

from picosched.checked import json_object
from picosched.clock import parse_time
from picosched.engine.wiring import P, Wiring
from picosched.errors import PicoschedError
from picosched.sources.reading import read_source
from picosched.sources.source import ECI, Source
from picosched.sources.state import SourceState
from picosched.store.store import Store
from picosched.turns import sources as declaring
from picosched.turns.sources import Brought

log = logging.getLogger(__name__)


class Sourced(Wiring):
    """The part of an engine for sources. Every method may raise the store's PicoschedError."""

    def add_source(self, declaration: Mapping[str, Any]) -> str:
        """Add a source, declared by the keys of a [[source]] table; returns its id.

        `invalid` for errors in it, `conflict` if its name is taken, `not_found` if its target pico or channel
        does not exist. File paths are relative to the working folder.
        """
        return self.add_sources([read_source(declaration, folder=Path(), almanac=self.settings.almanac)])[0]

    def add_sources(self, sources: Sequence[Source]) -> list[str]:
        """Add sources, all of them or none; returns their ids. Errors as for `add_source`."""
        self.permit("added")
        for source in sources:
            json_object(source.given, "the source", self.settings.limits.max_attrs_bytes)
        ids = [self.new_id() for _ in sources]

        def work() -> None:
            with self.store.savepoint():
                for source, id in zip(sources, ids, strict=True):
                    declaring.check_target(self.store, source.to)
                    declaring.check_windows(source, self.settings.windows)
                    declaring.add(self.store, source, id, self.now())
                    self.note("added", "source", id, source.label)

        self.write(work)
        self._warn(sources)
        self.look_again()
        return ids

    def sources(self) -> list[SourceState]:
        """The states of all sources, in the order they were made."""
        return [self._shown(each) for each in self.read(declaring.states, self.store)]

    def source(self, id: str) -> SourceState:
        """The state of the source with that id or name; `not_found` if there is none."""
        return self._shown(self.read(lambda: declaring.state_of(self.store, declaring.load(self.store, id))))

    def _shown(self, state: SourceState) -> SourceState:
        """Its state for whoever acts, with an eci as that one may see it."""
        if ECI not in state.to:
            return state
        to = {ECI: self.shown_eci(state.to[ECI])}
        return replace(state, to=to, declaration={**state.declaration, "to": to})

    def remove_source(self, id: str) -> bool:
        """Remove a source, by its id or name; True if there was one.

        `conflict` if it is configured in picosched.toml: it would be back at the next start.
        """
        return self._change("removed", declaring.remove, self.store, id)

    def pause_source(self, id: str, until: str | datetime | None = None) -> bool:
        """Pause a source until `until`, or until it is resumed; True if one has that id or name."""
        time = parse_time(until) if isinstance(until, str) else until
        return self._change("paused", declaring.pause, self.store, id, time)

    def resume_source(self, id: str) -> bool:
        """Resume a paused source with its next occurrence; True if it was paused."""
        return self._change("resumed", declaring.resume, self.store, id, self.now())

    def bring_sources(self, sources: Sequence[Source]) -> Brought:
        """Make the configured sources exactly these: add new ones, remove those no longer configured.

        `load_sources` of `picosched.sources.reading` reads them. `conflict` if one has the name of a source
        that was added at run time.
        """

        def work() -> Brought:
            with self.store.savepoint():
                brought = declaring.bring_in_line(self.store, sources, self.now(), self.new_id)
            for source in sources:
                try:
                    declaring.check_target(self.store, source.to)
                    declaring.check_windows(source, self.settings.windows)
                except PicoschedError as error:
                    log.warning("the source %s can raise nothing yet: %s", source.label, error)
            return brought

        brought = self.write(work)
        self._warn(sources)
        self.look_again()
        return brought

    def _warn(self, sources: Sequence[Source]) -> None:
        """Say now which commands of crontab files will be refused, and not only when they are due."""
        from picosched.sources.commands import refused_commands  # late, as few commands bring sources

        for source in sources:
            for refused in refused_commands(source, self.settings.proc_allow):
                log.warning("the source %s: %s", source.label, refused)

    def _change(
        self,
        what: str,
        change: Callable[Concatenate[Store, str, P], bool],
        store: Store,
        id: str,
        *args: P.args,
        **named: P.kwargs,
    ) -> bool:
        """Change the source with that id or name, and record in the audit what was done to it."""
        self.permit(what)

        def work() -> bool:
            row = store.sources.find(id)  # before it is gone
            changed = change(store, id, *args, **named)
            if row is not None and store.sources.find(row.id) != row:
                self.note(what, "source", row.id, row.name)
            return changed

        changed = self.write(work)
        if changed:
            self.look_again()
        return changed
