"""Lets rules of the root pico see and change the engine's sources.

A declaration is read when the rule adds it, so an error in it is the rule's; it is applied with the turn.
Until then only this rule and later ones in the turn see it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from picosched.clock import format_time
from picosched.errors import KrlError, PicoschedError
from picosched.krl.moments import moment
from picosched.krl.scope import Value
from picosched.krl.text import measured
from picosched.krl.values import shown
from picosched.pico.change import (
    AddSource,
    Change,
    PauseSource,
    RemoveSource,
    ResumeSource,
    SourceChange,
)
from picosched.pico.said import Speaking
from picosched.sources.reading import read_source

READING, LISTED, CHANGING = 60, 200, 400
"""Steps for each byte of a declaration read; for each source in a list, with its entries; for a change,
including applying it."""


class PicoSources:
    """The engine's sources, for rules of its root pico."""

    def __init__(self, effects: Speaking) -> None:
        self._effects = effects

    def add(self, declaration: Mapping[str, Value]) -> str:
        self._check_root()
        try:
            copy, size = measured(dict(declaration))
            self._effects.say(size, steps=READING * (1 + size))
            source = read_source(copy, almanac=self._effects.settings.almanac)
        except PicoschedError as error:
            raise KrlError(error.message, code=error.code) from error
        if source.name is not None and self._find(source.name) is not None:
            raise KrlError(f'there is a source "{source.name}" already', code="conflict")
        id = self._effects.new_id()
        self._say(AddSource(id, source))
        return id

    def remove(self, id: str) -> bool:
        found = self._find(id)
        if found is None:
            return False
        if found["configured"]:
            raise KrlError(
                f"the source {shown(id)} is configured in picosched.toml: rules may only pause it",
                code="conflict",
            )
        return self._say(RemoveSource(found["id"]))

    def pause(self, id: str, until: Value = None) -> bool:
        found = self._find(id)
        time = None if until is None else moment(until, self._effects.pico.now, "the end of a pause")
        return found is not None and self._say(PauseSource(found["id"], time))

    def resume(self, id: str) -> bool:
        found = self._find(id)
        return found is not None and found["paused"] and self._say(ResumeSource(found["id"]))

    def list(self) -> Sequence[Mapping[str, Value]]:
        """All sources, with the changes of this turn so far."""
        self._check_root()
        listed = {each["id"]: each for each in self._effects.pico.world.sources()}
        self._effects.pico.budget.charge(len(listed) * LISTED)
        for change in self._effects.changes():
            self._change(listed, change)
        return [*listed.values()]

    def _find(self, id: str) -> Mapping[str, Any] | None:
        """The source with that id or name."""
        self._check_root()
        kept, changes = self._effects.pico.world.find_source(id), self._effects.changes()
        self._effects.pico.budget.charge(LISTED + len(changes))
        listed = {} if kept is None else {kept["id"]: kept}
        for change in changes:
            if not isinstance(change, AddSource) or id in (change.id, change.source.name):
                self._change(listed, change)
        return next((each for each in listed.values() if id in (each["id"], each["name"])), None)

    def _change(self, listed: dict[str, dict[str, Any]], change: Change) -> None:
        """Apply a turn's change to a map of sources by id."""
        match change:
            case AddSource(id, source):
                listed[id] = {
                    "id": id,
                    "name": source.name,
                    "type": source.type,
                    "to": source.to.as_map(),
                    "declaration": {**source.given, "to": source.to.as_map()},
                    "configured": False,
                    "paused": False,
                    "paused_until": None,
                    "entries": [{"name": each.name, "event": each.event} for each in source.entries],
                }
            case RemoveSource(id):
                listed.pop(id, None)
            case PauseSource(id, until) if id in listed:
                listed[id] |= {"paused": True, "paused_until": until and format_time(until)}
            case ResumeSource(id) if id in listed:
                listed[id] |= {"paused": False, "paused_until": None}

    def _say(self, change: SourceChange) -> bool:
        said = self._effects.speaking("change sources")
        self._effects.pico.budget.charge(CHANGING)
        said.changes.append(change)
        return True

    def _check_root(self) -> None:
        pico = self._effects.pico
        if pico.parent_id is not None:
            raise KrlError(
                f"only rules of the root pico can see and change sources; this is {pico.name or pico.id}",
                code="refused",
            )
