"""What rules may spend: `Limits`, which are settings, and `Budget`, what is left of one turn or query.

Work is counted in **steps**, each a quarter of a microsecond or less on the machine the defaults were chosen
on. Compiled code counts them down in place, so that a step costs next to nothing; what is done in C or in
a loop of our own is paid for by its size, before it is done (`size` has the prices). Memory is counted in
bytes, twice: what a rule **builds** on its way, most of which is dropped at once, and what the turn **says**,
which is kept until it is durable.

A rule has bounds of its own within those of its turn, so that one rule without end leaves the others
something. When the steps or the seconds of the whole turn are over, it ends: `over` has the error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from picosched.errors import KrlError

SLICE = 4_096
"""Steps between two looks at the clock: about a millisecond."""

BUILT = 4
"""How many times the bytes that its turn may say a rule may build."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what rulesets may spend. Each is a setting of the engine."""

    max_depth: int = 1_000
    """Calls nested in each other."""
    max_steps: int = 5_000_000
    """Work of one rule, query or install, in steps: about a second."""
    max_turn_steps: int = 10_000_000
    """Work of one turn, all its rules together, in steps."""
    max_seconds: int = 2
    """Seconds of one turn or query by the clock; without effect where the clock is virtual."""
    max_regex_seconds: int = 1
    """Seconds that the regular expressions of one turn or query may compute, of one rule half of it."""
    max_raised: int = 1_000
    """Events that one turn may raise within its pico."""
    max_scheduled: int = 10_000
    """Events that one turn may schedule, send, or change that are scheduled; about a second of work."""
    max_pending: int = 100_000
    """Events that one pico may have to come: schedules, messages it sent, programs it has run."""
    max_attrs_bytes: int = 1_000_000
    """JSON text of an event's attributes, in bytes."""
    max_value_bytes: int = 16_000_000
    """A string, in characters, or an array or map, in elements × 8."""
    max_turn_bytes: int = 64_000_000
    """What one turn says, in bytes: directives, log, variables, events raised, scheduled and sent."""


class Budget:
    """What is left of one turn or query. Compiled code counts `steps` and `depth` down; below 0, `spent`.

    `ticks` tells seconds that run forward; those of a virtual clock stand still, and nothing is too late.
    """

    __slots__ = (
        "_regex",
        "_regex_of_rule",
        "_rule",
        "_said_before",
        "_slice",
        "_ticks",
        "_turn",
        "_until",
        "array",
        "built",
        "depth",
        "limits",
        "over",
        "said",
        "steps",
        "text",
    )

    def __init__(self, limits: Limits, ticks: Callable[[], float] = lambda: 0.0) -> None:
        self.limits = limits
        self.text = limits.max_value_bytes
        """Characters of a string."""
        self.array = limits.max_value_bytes // 8
        """Elements of an array or map."""
        self._ticks = ticks
        self.steps: float
        """Of this slice. `_rule` and `_turn` are what was left when it began."""
        self._slice: float
        self.built: float
        """Bytes that the rule may still build."""
        self.begin()

    @classmethod
    def without_end(cls) -> Budget:
        """For work outside a turn: only the size of a value is bounded."""
        budget = cls(Limits())
        budget.steps = budget.built = budget.said = inf
        budget._regex = budget._regex_of_rule = inf
        return budget

    def begin(self) -> None:
        """Begin a turn or a query."""
        limits = self.limits
        self.over: KrlError | None = None
        self._turn: float = limits.max_turn_steps
        self._until = self._ticks() + limits.max_seconds
        self._regex: float = limits.max_regex_seconds
        self.said: float = limits.max_turn_bytes
        self.steps = self._slice = min(SLICE, limits.max_steps, limits.max_turn_steps)
        self.begin_rule()

    @property
    def left(self) -> float:
        """Steps that the rule at hand may still take."""
        return max(0, min(self._rule, self._turn) - (self._slice - self.steps))

    def begin_rule(self, steps: int = 0) -> None:
        """Begin a rule of the turn, which takes so many. What the last one built and did not say is gone."""
        limits = self.limits
        self.depth = limits.max_depth
        self._rule: float = limits.max_steps + self._slice - self.steps
        if self.steps > limits.max_steps:
            self._settle()
        self._regex_of_rule: float = limits.max_regex_seconds / 2
        self.built = BUILT * limits.max_turn_bytes
        self._said_before = self.said
        self.steps -= steps
        if self.steps < 0:
            self.spent()

    @property
    def taken(self) -> float:
        """Steps of the turn so far."""
        return self.limits.max_turn_steps - self._turn + self._slice - self.steps

    def take_back(self) -> None:
        """What the rule at hand has said is dropped, but for what was said for good."""
        self.said = self._said_before

    def charge(self, steps: int) -> None:
        """Count work, before it is done."""
        self.steps -= steps
        if self.steps < 0:
            self.spent()

    def build(self, size: int) -> None:
        """Count bytes of a value, before it is built."""
        self.built -= size
        if self.built < 0:
            self.spent()

    def say(self, size: int, steps: int = 0, for_good: bool = False) -> None:
        """Count bytes that the turn keeps, and the work of writing them; `for_good` if also where it fails.

        What is small is paid for by its bytes alone: there can be so many of them only.
        """
        if steps or size > 1_000:
            self.charge(steps + (size >> 7))
        if size > self.said:
            raise KrlError(
                f"a turn says more than {self.limits.max_turn_bytes} bytes (max_turn_bytes) in directives, "
                "log, variables and events",
                code="too_large",
            )
        self.said -= size
        if for_good:
            self._said_before -= size

    def seconds_to_search(self) -> float:
        """What is left for regular expressions."""
        return min(self._regex, self._regex_of_rule)

    def searched(self, seconds: float) -> None:
        """Count the time that a regular expression took."""
        self._regex -= seconds
        self._regex_of_rule -= seconds
        if self._regex < 0 or self._regex_of_rule < 0:
            bound = self.limits.max_regex_seconds
            of_turn = self._regex < 0
            raise KrlError(
                f"the regular expressions of a {'turn' if of_turn else 'rule'} took more than "
                f"{bound if of_turn else bound / 2:g} s ({'' if of_turn else 'half of '}max_regex_seconds)",
                code="too_large",
            )

    def spent(self) -> None:
        """Something is below 0: go on with the next slice, or raise the KrlError of the bound passed."""
        limits = self.limits
        if self.depth < 0:
            raise KrlError(
                f"calls are nested more than {limits.max_depth} deep (max_depth); "
                "is there an endless recursion?",
                code="too_large",
            )
        if self.built < 0:
            raise KrlError(
                f"a rule built values of more than {BUILT * limits.max_turn_bytes} bytes "
                f"({BUILT} × max_turn_bytes)",
                code="too_large",
            )
        self._settle()
        if self._turn < 0:
            self.over = KrlError(
                f"a turn took more than {limits.max_turn_steps} steps (max_turn_steps)", code="too_large"
            )
            raise self.over
        if self._rule < 0:
            raise KrlError(
                f"a rule or query took more than {limits.max_steps} steps (max_steps); "
                "is there an endless loop?",
                code="too_large",
            )
        if self._ticks() > self._until:
            raise self._late()

    def _settle(self) -> None:
        """Take what was used of this slice from the rule and the turn, and begin the next.

        Work that a rule cannot pay is not done, so the turn pays no more than the rule had left.
        """
        used = self._slice - self.steps
        self._turn -= max(0, min(used, self._rule))
        self._rule -= used
        self.steps = self._slice = max(0, min(SLICE, self._rule, self._turn))

    def _late(self) -> KrlError:
        self.over = KrlError(
            f"a turn took more than {self.limits.max_seconds} s (max_seconds)", code="too_large"
        )
        return self.over
