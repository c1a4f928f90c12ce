"""The memory of a pico: its rulesets, and its state as far as it has been read.

The store is behind `State`, a protocol of a few reads. What a turn changes is taken over by `apply`, so that
the next turn of the same pico sees it; if the commit fails the engine forgets the pico and reads it anew.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from picosched.clock import EPOCH
from picosched.krl.budget import Budget
from picosched.krl.ruleset import Instance, Ruleset
from picosched.pico.chance import Chance
from picosched.pico.change import Change, Install, RulesetText, Uninstall
from picosched.pico.channel import Channel
from picosched.pico.event import Query
from picosched.pico.scheduled import Kept
from picosched.pico.turn import Turn


class State(Kept, Protocol):
    """What a pico may read of the store, as its own transaction sees it."""

    def entity(self, pico_id: str, rid: str, name: str) -> Any:
        """An entity variable, None where there is none; a rid led by "app:" reads `app:name` of that rid."""

    def waiting(self, pico_id: str, rid: str) -> dict[str, Any]:
        """rule → the state of its event expression, for the rules that are not at the start."""


class World(Protocol):
    """What is around a pico, as its own transaction sees it."""

    def channels(self, pico_id: str) -> list[Channel]: ...

    def find_channel(self, eci: str) -> Channel | None: ...

    def answer(self, pico_id: str, query: Query, now: datetime) -> Any:
        """The answer of another pico to a query, at the time of who asks."""

    def can_ask(self, pico_id: str, rid: str) -> bool:
        """Whether a pico has that ruleset, and is not waiting for an answer itself."""

    def logs(self, pico_id: str) -> list[Any]:
        """What the rules of a pico have logged lately, the oldest first, as maps."""

    def turns(self, pico_id: str, limit: int) -> list[Any]:
        """The last turns of a pico, the newest first, as maps."""

    def kept_text(self, origin: str) -> str | None:
        """The text of a ruleset that came from this place and is installed somewhere."""

    def read_text(self, origin: str) -> str:
        """The text of a ruleset that ships, or of a file that rulesets may install; PicoschedError if not."""

    def compiled(self, text: str, origin: str | None) -> Ruleset: ...

    def sources(self) -> list[dict[str, Any]]:
        """The sources of the engine, as maps."""

    def find_source(self, id: str) -> dict[str, Any] | None:
        """The source of that id or name, as a map."""

    def tried(self, pico_id: str, text: RulesetText) -> None:
        """Evaluate a ruleset's globals as if it were installed, and those of the rulesets that use it.

        Raises what would be wrong with it.
        """

    def check_windows(self, ruleset: Ruleset) -> None:
        """Raises what is wrong with the windows of a ruleset."""

    def picos_under(self, pico_id: str) -> int:
        """How many picos would be deleted with a pico."""


@dataclass(slots=True)
class Installed:
    """A ruleset on a pico, with the configuration it was installed with; instantiated when first needed."""

    ruleset: Ruleset
    config: Mapping[str, Any] = field(default_factory=dict)
    instance: Instance | None = None


class Memory:
    """What a pico is and remembers."""

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
        self.id = id
        self.name = name
        self.parent_id = parent_id
        self.installed = installed
        """rid → Installed, in the order of installation."""
        self.state = state
        self.budget = budget
        self.random = chance
        self.world = world
        self.now = EPOCH
        """The time of the turn or query at hand."""
        self._entities: dict[tuple[str, str], Any] = {}
        self._waiting: dict[str, dict[str, Any]] = {}

    def entity(self, rid: str, name: str) -> Any:
        if rid.startswith("app:"):  # shared with other picos, so never kept
            return self.state.entity(self.id, rid, name)
        key = (rid, name)
        if key not in self._entities:
            self._entities[key] = self.state.entity(self.id, rid, name)
        return self._entities[key]

    def waiting(self, rid: str, rule: str) -> Any:
        """The state a rule's event expression waits in; None at the start."""
        if rid not in self._waiting:
            self._waiting[rid] = self.state.waiting(self.id, rid)
        return self._waiting[rid].get(rule)

    def take_over(self, changes: Sequence[Change]) -> None:
        """Have what a turn has just installed take part in the rest of it."""
        for change in changes:
            match change:
                case Install(rid, text):
                    ruleset = self.world.compiled(text.text, text.origin)
                    self.installed[rid] = Installed(ruleset, text.config)
                    for each in self.installed.values():
                        if rid in each.ruleset.uses:
                            each.instance = None
                case Uninstall(rid):
                    self.installed.pop(rid, None)

    def apply(self, turn: Turn) -> None:
        """Take over what a turn changed."""
        for key, value in turn.entities.items():
            if not key[0].startswith("app:"):
                self._entities[key] = value
        for (rid, rule), state in turn.waiting.items():
            waiting = self._waiting.setdefault(rid, {})
            if state is None:
                waiting.pop(rule, None)
            else:
                waiting[rule] = state
