"""A pico: an actor that remembers, and speaks through its effects."""

from __future__ import annotations

from picosched.krl.budget import Budget
from picosched.pico.chance import Chance
from picosched.pico.effects import PicoEffects
from picosched.pico.memory import Installed, Memory, State, World


class Pico(Memory):
    """An actor. Not safe between threads: the engine lets one turn or query at a time into it."""

    def __init__(
        self,
        id: str,
        name: str,
        parent_id: str | None,
        installed: dict[str, Installed],
        state: State,
        budget: Budget,
        chance: Chance,
        world: World,
    ) -> None:
        super().__init__(id, name, parent_id, installed, state, budget, chance, world)
        self.effects = PicoEffects(self)
