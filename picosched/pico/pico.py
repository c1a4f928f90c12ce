"""A pico: an actor that remembers, and speaks through its effects."""

from __future__ import annotations

from functools import cached_property

from picosched.pico.effects import PicoEffects
from picosched.pico.memory import Memory


class Pico(Memory):
    """An actor. Not safe between threads: the engine lets one turn or query at a time into it."""

    @cached_property
    def effects(self) -> PicoEffects:
        """Its effects, one object for its life."""
        return PicoEffects(self)
