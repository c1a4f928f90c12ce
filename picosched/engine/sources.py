"""The engine's methods for sources: adds, lists, pauses and removes them."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from picosched.checked import json_object
from picosched.clock import format_time, parse_time
from picosched.engine.interventions import change_source
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.intervention import PAUSED, RESUMED, SOURCE, SOURCE_ADDED, SOURCES_BROUGHT
from picosched.sources.reading import read_source
from picosched.sources.source import ECI, Source
from picosched.sources.state import SourceState
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
            now = self.now()
            with self.store.savepoint():
                for source, id in zip(sources, ids, strict=True):
                    declaring.check_target(self.store, source.to)
                    declaring.check_windows(self.store, self.settings, source)
                    declaring.add(self.store, source, id, now)
                    self.keep(SOURCE_ADDED, now, id=id, declaration=source.given)
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
        return self._change("removed", id)

    def pause_source(self, id: str, until: str | datetime | None = None) -> bool:
        """Pause a source until `until`, or until it is resumed; True if one has that id or name."""
        time = parse_time(until) if isinstance(until, str) else until
        return self._change(PAUSED, id, until=None if time is None else format_time(time))

    def resume_source(self, id: str) -> bool:
        """Resume a paused source with its next occurrence; True if it was paused."""
        return self._change(RESUMED, id)

    def bring_sources(self, sources: Sequence[Source]) -> Brought:
        """Make the configured sources exactly these: add new ones, remove those no longer configured.

        `load_sources` of `picosched.sources.reading` reads them. `conflict` if one has the name of a source
        that was added at run time.
        """

        def work() -> Brought:
            now, ids = self.now(), list[str]()
            before = [row.id for row in self.store.sources.all() if row.configured]

            def new_id() -> str:
                ids.append(self.new_id())
                return ids[-1]

            with self.store.savepoint():
                brought = declaring.bring_in_line(self.store, sources, now, new_id)
                if brought.added or brought.changed or brought.removed:
                    declared = [each.given for each in sources]
                    self.keep(SOURCES_BROUGHT, now, ids=ids, before=before, declarations=declared)
            for source in sources:
                try:
                    declaring.check_target(self.store, source.to)
                    declaring.check_windows(self.store, self.settings, source)
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

    def _change(self, what: str, id: str, **told: Any) -> bool:
        """Change the source with that id or name, and record what was done to it."""
        self.permit(what)

        def work() -> bool:
            row, now = self.store.sources.find(id), self.now()  # before it is gone
            if row is None:
                return False
            changed = change_source(self.store, what, row.id, told, now)
            if self.store.sources.find(row.id) != row:
                self.note(what, "source", row.id, row.name)
                self.keep(f"{SOURCE}{what}", now, id=row.id, **told)
            return changed

        changed = self.write(work)
        if changed:
            self.look_again()
        return changed
