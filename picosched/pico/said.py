"""The effects of one rule, and the current rule: shared by the agenda, family and sources of a pico.

A query has no current rule: it may only read and log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from picosched.errors import KrlError
from picosched.krl.requests import HttpRequest, HttpResponse, Request, Response
from picosched.krl.scope import Value
from picosched.krl.text import measured, of_text
from picosched.krl.values import shown
from picosched.pico.chance import Tape, id_from
from picosched.pico.change import Change, channels_of
from picosched.pico.delivery import Delivery
from picosched.pico.event import Event
from picosched.pico.memory import Memory
from picosched.pico.turn import Directive, Logged, Turn
from picosched.schedule.fire import Fire
from picosched.schedule.provenance import Provenance
from picosched.schedule.scheduled import Scheduled
from picosched.settings import Settings

MOST_ASKED = 50
"""Requests in one turn or query."""

REQUEST = 1_000
"""Steps for a request, charged each time the turn is evaluated."""
THING = 300
"""Bytes of an effect besides its values."""


@dataclass(slots=True)
class Said:
    """The effects of one rule so far."""

    rid: str
    rule: str
    handled: int = 0
    directives: list[Directive] = field(default_factory=list)
    entities: dict[tuple[str, str], Value] = field(default_factory=dict)
    sizes: dict[tuple[str, ...], int] = field(default_factory=dict)
    """Bytes of the variables and of elements: one that is set again counts once."""
    raised: list[Event] = field(default_factory=list)
    scheduled: dict[str, Scheduled] = field(default_factory=dict)
    rescheduled: dict[str, Scheduled] = field(default_factory=dict)
    """Rows that existed before, as they will be."""
    unmade: set[str] = field(default_factory=set)
    """Rows made in this turn that this rule cancelled."""
    deliveries: list[Delivery] = field(default_factory=list)
    records: list[Fire] = field(default_factory=list)
    provenance: list[Provenance] = field(default_factory=list)
    changes: list[Change] = field(default_factory=list)
    saw: str | None = None
    """What the operands of its condition were, the first time that was false."""
    ends_events: bool = False
    """Whether an `error error` drops the remaining events of the turn."""

    @property
    def by(self) -> str:
        """Who has these effects: a rule, or somebody outside, who has no ruleset."""
        return f"{self.rid}.{self.rule}" if self.rid else self.rule


class Unanswered(BaseException):
    """A turn or query that stopped because it needs an answer from outside.

    Nothing has been written, as rules only request effects: make the request, and evaluate again with the
    answer. Not an Exception, so that rules cannot catch it.
    """

    def __init__(self, request: Request, place: int) -> None:
        super().__init__(place)
        self.request = request
        self.place = place
        """The number of requests made before it."""


@dataclass(slots=True)
class Answers:
    """The inputs of earlier tries of a turn or query, so that the next try takes the same path."""

    given: list[tuple[Request, Response]] = field(default_factory=list)
    """Requests and their responses."""
    drawn: Tape = field(default_factory=list)
    """Random values."""
    began: datetime | None = None
    """The time of the first try."""
    until: datetime | None = None
    """When the wait for answers is given up."""
    given_up: bool = False
    """Whether it was."""
    span: Any = None
    """Of a turn that is traced: its span (`turns/traces.py`)."""
    trace: str | None = None
    """Where that stands in its trace, as a `traceparent`, which its requests carry."""

    def first(self, now: datetime) -> datetime:
        """The time of the first try, which is `now` if there was none."""
        self.began = self.began or now
        return self.began


class Speaking:
    """The current rule or query of a pico."""

    def __init__(self, pico: Memory) -> None:
        self.pico = pico
        self.turn: Turn | None = None
        self.said: Said | None = None
        self.event: Event | None = None
        self.settings: Settings
        self.rid = ""
        self.raised_in_turn = 0
        self.txn_id = ""
        self.cause: Event | None = None
        """The event that started the turn."""
        """The id of the current turn or query."""
        self.answering = False
        self.answers = Answers()
        self.asked = 0

    @property
    def busy(self) -> bool:
        """Whether a turn or query of this pico is in progress."""
        return self.turn is not None or self.answering

    def say(self, size: int, *, steps: int = 0, for_good: bool = False) -> None:
        """Charge for an effect; with `for_good`, not refunded if the rule fails."""
        if self.pico.covers.texts:
            steps += self.pico.covers.cost(size)
        self.pico.budget.say(THING + size, steps, for_good)

    def speaking(self, verb: str) -> Said:
        """The effects of the current rule; `refused` in a query or global, which may have none."""
        if self.said is None:
            raise KrlError(f"a query or a global cannot {verb}: only a rule can", code="refused")
        return self.said

    def new_id(self) -> str:
        """An id for something the rule makes."""
        return id_from(self.pico.random)

    def changes(self) -> list[Change]:
        """The changes to picos and sources so far in this turn, this rule's last."""
        return [*(self.turn.changes if self.turn else ()), *(self.said.changes if self.said else ())]

    def check_eci(self, eci: str) -> None:
        """`not_found` if there is no such channel, also none that this turn makes."""
        if self.pico.world.find_channel(eci) is None:
            made = self.changes()
            self.pico.budget.charge(len(made))
            if not any(each.eci == eci for change in made for each in channels_of(change)):
                raise KrlError(f"there is no channel {shown(eci)}", code="not_found")

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
        """The installed rid for `rid`, ignoring a version suffix."""
        fitting = (each for each in self.pico.installed if rid == each or rid.startswith(f"{each}."))
        return max(fitting, key=len, default=rid)

    def http(self, request: HttpRequest) -> HttpResponse:
        response = self.answer(request, len(request.url) + len(request.body))
        assert isinstance(response, HttpResponse)
        self.say(len(response.body), for_good=True)
        return response

    def answer(self, request: Request, size: int) -> Response:
        """The answer that an earlier try of this turn or query got; Unanswered if there is none yet."""
        place, self.asked = self.asked, self.asked + 1
        given = self.answers.given
        self.say(size, steps=REQUEST, for_good=True)
        if place < len(given) and given[place][0] == request:
            return given[place][1]
        if place >= MOST_ASKED:
            raise KrlError(f"one event made more than {MOST_ASKED} requests", code="too_large")
        raise Unanswered(request, place)

    def log(self, level: str, value: Value) -> None:
        if self.turn is not None:
            rule = self.said.rule if self.said else None
            copy, size = measured(value)
            self.say(size, for_good=True)
            self.turn.log.append(Logged(level, self.rid, rule, copy))
