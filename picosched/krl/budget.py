"""`Limits` on the work of rules, which are settings, and `Budget`, the remainder for one turn or query.

Work is counted in **steps**, each a quarter of a microsecond or less on the machine the defaults were chosen
on. Compiled code counts them down in place, so that a step costs next to nothing; what is done in C or in
a loop of our own is paid for by its size, before it is done (`size` has the prices). Memory is counted in
bytes, twice: what a rule **builds** on its way, most of which is dropped at once, and what the turn **says**,
which is kept until it is durable.

A rule has its own limits within those of its turn, so that a runaway rule leaves some for the others. When
the steps or seconds of the whole turn are used up, it ends: `over` has the error.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from math import inf

from picosched.errors import KrlError

SLICE = 4_096
"""Steps between two checks of the clock: about a millisecond."""

BUILT = 4
"""A rule may build this many times the bytes that its turn may output."""


LIGHT_STEPS = 60_000
"""Steps of a light turn or query: about ten milliseconds."""

LIGHT_REGEX_SECONDS = 0.01
LIGHT_BYTES = 500_000
"""Of its output."""


class Postponed(BaseException):
    """A turn or query that was tried lightly, and takes more than that.

    Nothing has been written, as rules only request effects: evaluate it again with the whole budget. Not an
    Exception, so that rules cannot catch it.
    """


@dataclass(frozen=True, slots=True)
class Limits:
    """Limits for rulesets. Each is a setting of the engine."""

    max_depth: int = 1_000
    """Depth of nested calls."""
    max_steps: int = 5_000_000
    """Work of one rule, query or install, in steps: about a second."""
    max_turn_steps: int = 10_000_000
    """Work of one turn, all rules together, in steps."""
    max_seconds: int = 2
    """Seconds of one turn or query by the clock; no effect on a virtual clock."""
    max_regex_seconds: int = 1
    """CPU seconds for the regular expressions of one turn or query; half of it for one rule."""
    max_raised: int = 1_000
    """Events that one turn may raise within its pico."""
    max_scheduled: int = 10_000
    """Events that one turn may schedule, send, or change in the schedule; about a second of work."""
    max_pending: int = 100_000
    """Pending events of one pico: schedules, messages it sent, programs it started."""
    max_attrs_bytes: int = 1_000_000
    """JSON text of an event's attributes, in bytes."""
    max_value_bytes: int = 16_000_000
    """A string, in characters, or an array or map, in elements × 8."""
    max_turn_bytes: int = 64_000_000
    """Output of one turn, in bytes: directives, log, variables, events raised, scheduled and sent."""


class Budget:
    """The remaining budget of one turn or query. Compiled code decrements `steps` and `depth`, and calls
    `spent` below 0.

    `ticks` returns monotonic seconds; on a virtual clock they do not advance, so there is no deadline.
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
        "light",
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
        """Of this slice. `_rule` and `_turn` are the steps left when it began."""
        self._slice: float
        self.built: float
        """Bytes the rule may still build."""
        self.begin()

    @classmethod
    def without_end(cls) -> Budget:
        """For work outside a turn: only the size of values is limited."""
        budget = cls(Limits())
        budget.steps = budget.built = budget.said = inf
        budget._regex = budget._regex_of_rule = inf
        return budget

    def begin(self, light: bool = False) -> None:
        """Begin a turn or a query; a `light` one raises Postponed once it takes more than a little."""
        limits = self.limits
        self.light = light
        self.over: KrlError | None = None
        self._turn: float = min(limits.max_turn_steps, LIGHT_STEPS) if light else limits.max_turn_steps
        self._until = self._ticks() + limits.max_seconds
        self._regex: float = LIGHT_REGEX_SECONDS if light else limits.max_regex_seconds
        self.said: float = min(limits.max_turn_bytes, LIGHT_BYTES) if light else limits.max_turn_bytes
        self.steps = self._slice = min(SLICE, limits.max_steps, self._turn)
        self.begin_rule()

    @property
    def left(self) -> float:
        """Steps the current rule may still take."""
        return max(0, min(self._rule, self._turn) - (self._slice - self.steps))

    def begin_rule(self, steps: int = 0) -> None:
        """Begin a rule of the turn, charging `steps`. Values built by the previous rule no longer count."""
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
        """Refund the output of the current rule, except parts marked `for_good`."""
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
        """Count bytes of output and the work of writing them; `for_good` means that they are kept even if
        the rule fails.

        What is small is paid for by its bytes alone: there can be so many of them only.
        """
        if steps or size > 1_000:
            self.charge(steps + (size >> 7))
        if size > self.said:
            self.postpone()
            raise KrlError(
                f"a turn says more than {self.limits.max_turn_bytes} bytes (max_turn_bytes) in directives, "
                "log, variables and events",
                code="too_large",
            )
        self.said -= size
        if for_good:
            self._said_before -= size

    def seconds_to_search(self) -> float:
        """Seconds left for regular expressions."""
        return min(self._regex, self._regex_of_rule)

    def searched(self, seconds: float) -> None:
        """Count the time that a regular expression took."""
        self._regex -= seconds
        self._regex_of_rule -= seconds
        if self._regex < 0 or self._regex_of_rule < 0:
            self.postpone()
            bound = self.limits.max_regex_seconds
            of_turn = self._regex < 0
            raise KrlError(
                f"the regular expressions of a {'turn' if of_turn else 'rule'} took more than "
                f"{bound if of_turn else bound / 2:g} s ({'' if of_turn else 'half of '}max_regex_seconds)",
                code="too_large",
            )

    def spent(self) -> None:
        """Called when a counter is below 0: start the next slice, or raise the KrlError of the exceeded
        limit."""
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
            self.postpone()
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

    def postpone(self) -> None:
        """Give up a light try; called where a limit is exceeded."""
        if self.light:
            raise Postponed

    def _settle(self) -> None:
        """Deduct the used part of this slice from the rule and the turn, and begin the next.

        Work a rule cannot pay for is not done, so the turn pays at most what the rule had left.
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
