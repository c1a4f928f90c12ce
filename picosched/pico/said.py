"""What one rule says, and who speaks now: what the agenda, the family and the sources of a pico share.

A query speaks too, with no rule begun: it may read and log, and nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from picosched.errors import KrlError
from picosched.krl.scope import HttpRequest, HttpResponse, Value
from picosched.krl.text import measured, of_text
from picosched.pico.chance import Tape, id_from
from picosched.pico.change import Change
from picosched.pico.event import Event
from picosched.pico.memory import Memory
from picosched.pico.turn import Directive, Logged, Turn
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Scheduled
from picosched.settings import Settings

MOST_ASKED = 50
"""Requests to the world outside in one turn or query."""

REQUEST = 1_000
"""Steps of a request to the world outside, until it is made and once it is answered."""
THING = 300
"""Bytes that a thing said takes besides its values."""


@dataclass(slots=True)
class Said:
    """What one rule has said so far."""

    rid: str
    rule: str
    handled: int = 0
    directives: list[Directive] = field(default_factory=list)
    entities: dict[tuple[str, str], Value] = field(default_factory=dict)
    sizes: dict[tuple[str, str], int] = field(default_factory=dict)
    """Bytes of the variables: one that is set again counts once."""
    raised: list[Event] = field(default_factory=list)
    scheduled: dict[str, Scheduled] = field(default_factory=dict)
    rescheduled: dict[str, Scheduled] = field(default_factory=dict)
    """Rows that were there before, as they are to be."""
    unmade: set[str] = field(default_factory=set)
    """Rows that this turn made and this rule cancelled."""
    records: list[Fire] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    ends_events: bool = False
    """An `error error` empties what is left of the turn's events."""


class Unanswered(BaseException):
    """A turn or query that stopped because it needs an answer from outside.

    Nothing has happened yet, as rules only say what shall happen: ask, and evaluate again with the answer.
    Not an Exception, since no rule may catch it.
    """

    def __init__(self, request: HttpRequest, place: int) -> None:
        super().__init__(request.url)
        self.request = request
        self.place = place
        """How many answers came before it."""


@dataclass(slots=True)
class Answers:
    """What a turn or query was told at its earlier tries, so that the next one goes the same way."""

    given: list[tuple[HttpRequest, HttpResponse]] = field(default_factory=list)
    """By the world outside."""
    drawn: Tape = field(default_factory=list)
    """By chance."""
    began: datetime | None = None
    """By the clock, at the first try."""

    def first(self, now: datetime) -> datetime:
        """When it was first tried, which is `now` if it was not yet."""
        self.began = self.began or now
        return self.began


class Speaking:
    """The rule or query of a pico that speaks now."""

    def __init__(self, pico: Memory) -> None:
        self.pico = pico
        self.turn: Turn | None = None
        self.said: Said | None = None
        self.event: Event | None = None
        self.settings: Settings
        self.rid = ""
        self.raised_in_turn = 0
        self.answering = False
        self.answers = Answers()
        self.asked = 0

    @property
    def busy(self) -> bool:
        """Whether a turn or a query of this pico is under way."""
        return self.turn is not None or self.answering

    def say(self, size: int, *, steps: int = 0, for_good: bool = False) -> None:
        """Pay for what the turn keeps; `for_good` if also where the rule fails."""
        self.pico.budget.say(THING + size, steps, for_good)

    def speaking(self, verb: str) -> Said:
        """What the rule at hand has said; refuses queries and globals, which may say nothing."""
        if self.said is None:
            raise KrlError(f"a query or a global cannot {verb}: only a rule can", code="refused")
        return self.said

    def new_id(self) -> str:
        """An id for what the rule makes."""
        return id_from(self.pico.random)

    def changes(self) -> list[Change]:
        """What this turn has changed of picos so far, this rule's part last."""
        return [*(self.turn.changes if self.turn else ()), *(self.said.changes if self.said else ())]

    def raise_event(self, domain: str, type: str, attrs: Value, rids: Sequence[str] | None = None) -> None:
        said, turn = self.speaking("raise an event"), self.turn
        assert turn is not None and self.event is not None
        self._check_raised(said)
        copy, size = measured(attrs)
        steps = len(self.pico.installed) * (1 + len(rids or ()))
        self.say(size + of_text(domain) + of_text(type), steps=steps)
        targets = tuple(dict.fromkeys(map(self._installed, rids))) if rids is not None else None
        said.raised.append(Event(domain, type, copy, turn.eid, turn.now, self.event.eci, targets))

    def _check_raised(self, said: Said) -> None:
        limit = self.settings.limits.max_raised
        if self.raised_in_turn + len(said.raised) >= limit:
            raise KrlError(
                f"the turn raised more than {limit} events (max_raised); does a rule raise itself for ever?",
                code="too_large",
            )

    def _installed(self, rid: str) -> str:
        """A rid as it is installed: a version behind it does not count."""
        fitting = (each for each in self.pico.installed if rid == each or rid.startswith(f"{each}."))
        return max(fitting, key=len, default=rid)

    def http(self, request: HttpRequest) -> HttpResponse:
        place, self.asked = self.asked, self.asked + 1
        given = self.answers.given
        self.say(len(request.url) + len(request.body), steps=REQUEST, for_good=True)
        if place < len(given) and given[place][0] == request:
            response = given[place][1]
            self.say(len(response.body), for_good=True)
            return response
        if place >= MOST_ASKED:
            raise KrlError(
                f"one event asked the world outside more than {MOST_ASKED} times", code="too_large"
            )
        raise Unanswered(request, place)

    def log(self, level: str, value: Value) -> None:
        if self.turn is not None:
            rule = self.said.rule if self.said else None
            copy, size = measured(value)
            self.say(size, for_good=True)
            self.turn.log.append(Logged(level, self.rid, rule, copy))
