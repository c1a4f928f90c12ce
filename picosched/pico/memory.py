"""The memory of a pico: its rulesets, and the part of its state that has been read.

The store is accessed through `State`, a protocol of a few reads. `apply` takes over a turn's changes, so that
the pico's next turn sees them; if the commit fails, the engine drops the pico and reads it again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING, Any, Protocol

from picosched.clock import EPOCH
from picosched.covered import Covers
from picosched.krl.budget import Budget
from picosched.krl.large_map import ChangedMap, StoredMap
from picosched.krl.running import Instance
from picosched.pico.chance import Chance
from picosched.pico.change import Change, Install, RulesetText, Uninstall
from picosched.pico.channel import Channel
from picosched.pico.event import Query
from picosched.pico.scheduled import Kept
from picosched.pico.turn import Turn
from picosched.schedule.window import MadeWindow

if TYPE_CHECKING:
    from picosched.krl.ruleset import Ruleset


class State(Kept, Protocol):
    """A pico's reads from the store, within the current transaction."""

    def variable(self, pico_id: str, rid: str, name: str) -> Any:
        """An entity variable, None if there is none; a rid with the prefix "app:" reads `app:` variables.

        A map whose elements are rows is a StoredMap.
        """

    def waiting(self, pico_id: str, rid: str) -> dict[str, Any]:
        """rule → state of its event expression, for rules not in the start state."""


class World(Protocol):
    """A pico's access to other picos and the engine, within the current transaction."""

    def host(self, asked: str | None) -> str | None:
        """The base URL of the server; `asked` is that of the request being answered, if there is one."""

    def channels(self, pico_id: str) -> list[Channel]: ...

    def find_channel(self, eci: str) -> Channel | None: ...

    def answer(self, pico_id: str, query: Query, now: datetime) -> Any:
        """The answer of another pico to a query, at the asking pico's time."""

    def can_ask(self, pico_id: str, rid: str) -> bool:
        """Whether a pico has that ruleset and is not busy itself."""

    def logs(self, pico_id: str) -> list[Any]:
        """The recent log entries of a pico's rules, oldest first, as maps."""

    def turns(self, pico_id: str, limit: int) -> list[Any]:
        """The last turns of a pico, newest first, as maps."""

    def queries(self, pico_id: str) -> list[Any]:
        """The recent queries of a pico, newest first, as maps."""

    def refusal_of(self, url: str) -> str | None:
        """Why rules may not send anything to a URL, as far as it says; PicoschedError if it is invalid."""

    def kept_text(self, origin: str) -> str | None:
        """The text of an installed ruleset that came from `origin`."""

    def origin_of(self, rid: str) -> str | None:
        """The URL of a standard ruleset, or the origin of one that is installed on some pico."""

    def read_text(self, origin: str) -> str:
        """The text of a standard ruleset, or of a file that rulesets may install; else PicoschedError."""

    def compiled(self, text: str, origin: str | None) -> Ruleset: ...

    def sources(self) -> list[dict[str, Any]]:
        """The sources of the engine, as maps."""

    def find_source(self, id: str) -> dict[str, Any] | None:
        """The source with that id or name, as a map."""

    def tried(self, pico_id: str, text: RulesetText) -> None:
        """Evaluate the globals of a ruleset as if it were installed, and of the rulesets that use it.

        Raises the error if any fails.
        """

    def made_windows(self) -> Sequence[MadeWindow]:
        """The windows that people made."""

    def check_windows(self, ruleset: Ruleset) -> None:
        """KrlError if a window of a ruleset is invalid."""

    def picos_under(self, pico_id: str) -> int:
        """How many descendants would be deleted with a pico."""


@dataclass(slots=True)
class Installed:
    """A ruleset on a pico, with its configuration; instantiated when first needed."""

    ruleset: Ruleset
    config: Mapping[str, Any] = field(default_factory=dict)
    flushed: datetime | None = None
    """When its text was last read from its origin."""
    instance: Instance | None = None


class Memory:
    """The identity and state of a pico."""

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
        self.covers = Covers()
        """The keys its rulesets may read, covered in all that it answers and logs."""
        self.now = EPOCH
        """The time of the current turn or query."""
        self.host: str | None = None
        """The base URL of the server in the current turn or query."""
        self._entities: dict[tuple[str, str], Any] = {}
        self._waiting: dict[str, dict[str, Any]] = {}

    def variable(self, rid: str, name: str) -> Any:
        """An entity variable, remembered once it was read; `app:` variables as for `State`."""
        if rid.startswith("app:"):  # shared with other picos, so never cached
            return self.state.variable(self.id, rid, name)
        key = (rid, name)
        if key not in self._entities:
            self._entities[key] = self.state.variable(self.id, rid, name)
        return self._entities[key]

    def waiting(self, rid: str, rule: str) -> Any:
        """The state of a rule's event expression; None in the start state."""
        if rid not in self._waiting:
            self._waiting[rid] = self.state.waiting(self.id, rid)
        return self._waiting[rid].get(rule)

    def take_over(self, changes: Sequence[Change]) -> None:
        """Apply a turn's installs and uninstalls to the rest of the turn."""
        for change in changes:
            match change:
                case Install(rid, text):
                    ruleset = self.world.compiled(text.text, text.origin)
                    self.installed[rid] = Installed(ruleset, text.config, self.now)
                    for each in self.installed.values():
                        if rid in each.ruleset.uses:
                            each.instance = None
                case Uninstall(rid):
                    self.installed.pop(rid, None)

    def apply(self, turn: Turn) -> None:
        """Take over a turn's changes to the state."""
        for key, value in turn.entities.items():
            if key[0].startswith("app:"):
                continue
            if type(value) is not ChangedMap:
                self._entities[key] = value
            elif isinstance(value.below, StoredMap):
                value.below.take_over(value)
            else:
                self._entities.pop(key, None)  # it is large now, and read as such when needed
        for (rid, rule), state in turn.waiting.items():
            waiting = self._waiting.setdefault(rid, {})
            if state is None:
                waiting.pop(rule, None)
            else:
                waiting[rule] = state
