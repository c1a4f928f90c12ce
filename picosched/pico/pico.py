"""A pico: an actor with memory and effects."""

from __future__ import annotations

from functools import cached_property

from picosched.pico.effects import PicoEffects
from picosched.pico.memory import Memory


class Pico(Memory):
    """An actor. Not thread-safe: the engine runs one turn or query of it at a time."""

    @cached_property
    def effects(self) -> PicoEffects:
        """Its effects, one object for the life of the pico."""
        return PicoEffects(self)
