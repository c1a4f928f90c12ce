"""A rehearsal: an engine on a virtual clock, which lets time pass and tells of each event it handled.

Nothing outside is touched: HTTP requests are noted and answered by nobody.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from picosched.clock import VirtualClock, format_time, shifted, ticks
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.krl.requests import HttpRequest, HttpResponse
from picosched.outside.mail import METHOD
from picosched.pico.turn import SENT
from picosched.schedule.fire import Fire
from picosched.store.journal import Entry

UNBOUND = 1_000_000_000
"""The journal returns the newest entries first, up to a limit; here we need all."""

DUE_TIMES, TOGETHER = 100, timedelta(days=1)
"""How many due times, and how much time, may pass before their records are yielded."""


class TookLongError(PicoschedError):
    """A rehearsal that took more than its real time; `at` is the time it came to."""

    def __init__(self, at: datetime, seconds: float) -> None:
        came = f"found a rehearsal that came to {format_time(at)} in {seconds:g} s"
        super().__init__(f"{came}, wanted a shorter time, or less to happen", "too_large")
        self.at = at


@dataclass(frozen=True, slots=True)
class Cause:
    """The scheduled event that came due."""

    id: str
    name: str | None
    nominal: datetime


@dataclass(frozen=True, slots=True)
class Record:
    """One handled event: the rules that fired, their directives and errors."""

    at: datetime
    pico: str
    domain: str
    type: str
    attrs: dict[str, Any]
    scheduled: Cause | None
    considered: list[dict[str, Any]]
    """Every rule that selects such events: `{rid, rule, outcome, why, line}`."""
    directives: list[dict[str, Any]]
    errors: list[str]
    outside: list[dict[str, str]] = field(default_factory=list)
    """HTTP requests the turn tried to make; none were sent: `{method, url}`, in the turn's first record."""
    sent: list[str] = field(default_factory=list)
    """The URLs of events for other engines, in the turn's first record."""
    pico_id: str = ""

    @property
    def rules(self) -> list[str]:
        """The names of the rules that fired, in order."""
        return [each["rule"] for each in self.considered if each["outcome"] == "fired"]

    def as_json(self) -> dict[str, Any]:
        cause = self.scheduled
        return {
            "at": format_time(self.at),
            "pico": self.pico,
            "event": f"{self.domain}:{self.type}",
            "attrs": self.attrs,
            "scheduled": cause
            and {"id": cause.id, "name": cause.name, "nominal": format_time(cause.nominal)},
            "rules": self.rules,
            "directives": [{"name": each["name"], "options": each["options"]} for each in self.directives],
            "errors": self.errors,
            **({"outside": self.outside} if self.outside else {}),
        }


def nobody(request: HttpRequest) -> HttpResponse:
    """The answer to every HTTP request: a rehearsal makes none."""
    return HttpResponse(0, "nobody is asked on virtual time")


def counts_as_sent(request: HttpRequest) -> bool:
    """Whether a request is an event for another engine or a mail, which would be tried again and again."""
    return request.method == METHOD or not request.redirects


class Silence:
    """Records the HTTP requests of a rehearsal, without sending them.

    They get the answer that nobody is there, but for what counts as sent.
    """

    def __init__(self) -> None:
        self.turns: Callable[[], int] = lambda: 0
        """Tells the number of the last turn. A turn that asks is written just after it has."""
        self._asked: list[tuple[int, HttpRequest]] = []

    def __call__(self, request: HttpRequest) -> HttpResponse:
        if counts_as_sent(request):
            return HttpResponse(200, "not sent")
        self._asked.append((self.turns(), request))
        return nobody(request)

    def asked_before(self, turn: int) -> list[dict[str, str]]:
        """The requests of this turn; returned only once."""
        asked = [each for last, each in self._asked if last < turn]
        self._asked = self._asked[len(asked) :]
        return [{"method": each.method, "url": each.url} for each in asked]


class Rehearsal:
    """An engine on a virtual clock, and the position up to which its journal was reported."""

    def __init__(
        self,
        engine: Wiring,
        clock: VirtualClock,
        silence: Silence | None = None,
        let_go: Counter[str] | None = None,
        seconds: float | None = None,
    ) -> None:
        """`let_go` counts the occurrences that are not raised; `seconds` of real time are all it may take."""
        self._engine = engine
        self._clock = clock
        self._silence = silence or Silence()
        self._silence.turns = lambda: max((entry.seq for entry in self._entries(1)), default=0)
        self._told = max((entry.seq for entry in self._entries(1)), default=0)
        self._let_go = let_go
        self._seconds, self._began = seconds, ticks()
        self._counted = engine.read(engine.store.agenda.last_record)
        self._names: dict[str, str] = {}
        self._causes: dict[str, str | None] = {}

    def let_pass(self, until: datetime) -> Iterator[Record]:
        """Let time pass; yield records of events due on the way. TookLongError if it takes too long."""
        for _ in self.steps(until):
            yield from self.news()

    def steps(self, until: datetime) -> Iterator[None]:
        """Let time pass, and stop after several due times each, for what happened to be read."""
        # Few enough that the history they are read from is not pruned meanwhile.
        most = DUE_TIMES if self._engine.settings.history_days else 1
        while (due := self._engine.next_due()) is not None and due <= until:
            last = min(until, shifted(due, TOGETHER))
            for _ in range(most):
                self._clock.reach(due)
                self._engine.run_due()
                self._check_seconds()
                due = self._engine.next_due()
                if due is None or due > last:
                    break
            yield
        self._clock.reach(until)

    def _check_seconds(self) -> None:
        if self._seconds is not None and ticks() - self._began > self._seconds:
            raise TookLongError(self._clock.now(), self._seconds)

    def occurrences(self) -> list[Fire]:
        """Occurrences recorded since the last call."""
        agenda = self._engine.store.agenda
        found = self._engine.read(agenda.records_after, self._counted)
        self._counted = self._engine.read(agenda.last_record)
        return found

    def news(self) -> Iterator[Record]:
        """Records of events handled since the last call."""
        self._check_seconds()
        if self._let_go is not None:
            kept = self._engine.store.agenda
            self._let_go.update(self._engine.read(lambda: kept.let_go_after(self._counted)))
            self._counted = self._engine.read(kept.last_record)
        entries = self._entries(UNBOUND, self._told)
        for entry in reversed(entries):
            self._told = entry.seq
            yield from self._records(entry)

    def _records(self, entry: Entry) -> Iterator[Record]:
        errors = iter(entry.errors)
        outside = self._silence.asked_before(entry.seq)
        for place, handled in enumerate(entry.handled):
            directives = [each for each in entry.directives if each["handled"] == place]
            failed = [each for each in handled["considered"] if each["outcome"] == "failed"]
            yield Record(
                at=entry.at,
                pico=self._name(entry.pico_id),
                domain=handled["domain"],
                type=handled["type"],
                attrs=handled["attrs"],
                scheduled=self._cause(entry) if place == 0 else None,
                considered=handled["considered"],
                directives=directives,
                errors=[next(errors) for _ in failed],
                outside=outside if place == 0 else [],
                sent=[_url(each) for each in entry.log if each["level"] == SENT] if place == 0 else [],
                pico_id=entry.pico_id,
            )

    def _entries(self, limit: int, after: int = 0) -> list[Entry]:
        return self._engine.read(self._engine.store.journal.entries, after=after, limit=limit)

    def _cause(self, entry: Entry) -> Cause | None:
        if entry.scheduled is None or entry.nominal is None:
            return None
        id = entry.scheduled
        if id not in self._causes:
            row = self._engine.read(self._engine.store.agenda.find, id)
            self._causes[id] = None if row is None else row.name
        return Cause(id, self._causes[id], entry.nominal)

    def _name(self, pico_id: str) -> str:
        if pico_id not in self._names:
            self._names |= {row.id: row.name for row in self._engine.read(self._engine.store.picos.picos)}
        return self._names.setdefault(pico_id, pico_id)  # of one that is gone there is the id alone


def _url(logged: dict[str, Any]) -> str:
    """Of a delivery, whose id follows in its log entry."""
    return str(logged["value"]).partition(" ")[0]
