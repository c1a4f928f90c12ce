"""A pico for tests of rulesets: the test moves the clock and answers HTTP requests.

It is the root pico of a real engine, on a store in memory and a virtual clock, with a seed; so the same test
sees the same ids, the same chance and the same times, and nothing outside is touched. Settings are those that
the test names; those of the environment do not count.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import orjson

from picosched.clock import VirtualClock, format_time, parse_time
from picosched.engine.engine import Engine
from picosched.engine.rehearsed import Record, Rehearsal, nobody
from picosched.errors import PicoschedError
from picosched.krl.requests import HttpRequest, HttpResponse
from picosched.krl.ruleset import Ruleset
from picosched.pico.turn import Turn
from picosched.rehearsal.expected import expect
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Scheduled
from picosched.settings import Settings, with_settings

Answer = Callable[[HttpRequest], Any]


@contextmanager
def rehearsed(
    start: str | datetime, *, seed: int | str = 0, rulesets: Sequence[Path] = (), **settings: Any
) -> Iterator[RehearsedPico]:
    """A pico whose clock begins at `start`; `rulesets` are the folders in which rulesets are looked for.

    PicoschedError `invalid` for a start that is not a time, and for invalid settings.
    """
    clock, world = VirtualClock(start), _World()
    chosen = with_settings(Settings(), settings, "the settings of a pico to test")
    with Engine(clock=clock, settings=chosen, seed=seed, outside=world.fetch) as engine:
        yield RehearsedPico(engine, clock, world, rulesets)


class RehearsedPico:
    """A pico in a test. `engine`, `clock` and `ref`, the PicoRef of the pico, are there for all else."""

    def __init__(self, engine: Engine, clock: VirtualClock, world: _World, rulesets: Sequence[Path]) -> None:
        self.engine = engine
        self.clock = clock
        self.ref = engine.root
        self._world = world
        self._folders = rulesets
        self._rehearsal = Rehearsal(engine, clock)
        self._said: list[tuple[str, Any]] = []

    def __repr__(self) -> str:
        return f"<a pico at {format_time(self.clock.now())}>"

    def install(self, ruleset: str | Path, config: Mapping[str, Any] | None = None) -> Ruleset:
        """Install a ruleset from its text or its file; a relative path is looked for in the folders first.

        KrlError for faults in the text, PicoschedError for a file that cannot be read.
        """
        return self.ref.install(self._found(ruleset), config)

    def raise_event(self, domain: str, type: str, attrs: Mapping[str, Any] | None = None) -> Turn:
        """Raise an event and return its turn. Events it schedules are raised when time passes."""
        return self.ref.raise_event(domain, type, attrs)

    def query(self, rid: str, name: str, args: Mapping[str, Any] | None = None) -> Any:
        """The JSON value of a function that the ruleset shares, called with arguments by name."""
        return self.ref.query(rid, name, args)

    def advance(self, duration: timedelta | None = None, **units: float) -> list[Record]:
        """Let time pass, `minutes=5` as timedelta takes them; a record for each event on the way, in order.

        Without a duration: raise what is due right now.
        """
        return self.travel_to(self.clock.now() + (duration or timedelta()) + timedelta(**units))

    def travel_to(self, time: str | datetime) -> list[Record]:
        """Let time pass until then; a record for each event on the way, in order.

        PicoschedError `invalid` for a time in the past.
        """
        until = parse_time(time) if isinstance(time, str) else time
        if until < self.clock.now():
            raise PicoschedError(
                f"found {format_time(until)}, wanted a time from {format_time(self.clock.now())} on"
            )
        self._hear(self._rehearsal.news())
        return self._hear(self._rehearsal.let_pass(until))

    def expect(self, sentence: str) -> None:
        """AssertionError if what the sentence expects of the time to come will not hold; `expected` has them.

        It is rehearsed on a copy, where nobody is asked: nothing changes, and no time passes.
        """
        expect(self.engine, sentence)

    def said(self) -> list[tuple[str, Any]]:
        """The directives since the last call, from raised and from due events: (name, options)."""
        self._hear(self._rehearsal.news())
        said, self._said = self._said, []
        return said

    def scheduled(self) -> list[Scheduled]:
        """Pending and paused events, soonest first."""
        return self.ref.scheduled()

    def history(self) -> list[Fire]:
        """Fires, newest first."""
        return self.ref.history(limit=1_000_000)

    def answers(self, answer: Answer) -> None:
        """Answer HTTP requests of rules with a function from now on; until then no requests are made.

        It gives a number, the status of an answer without a body; a text or any other JSON, the body of an
        answer with status 200; or an HttpResponse, the whole answer.
        """
        self._world.answer = answer

    @property
    def asked(self) -> list[HttpRequest]:
        """The HTTP requests of rules so far, in order."""
        return list(self._world.asked)

    def _hear(self, records: Iterable[Record]) -> list[Record]:
        heard = []
        for record in records:
            heard.append(record)
            self._said += [(each["name"], each["options"]) for each in record.directives]
        return heard

    def _found(self, ruleset: str | Path) -> str | Path:
        if isinstance(ruleset, str) and ("\n" in ruleset or "{" in ruleset):
            return ruleset
        return next((folder / ruleset for folder in self._folders if (folder / ruleset).is_file()), ruleset)


class _World:
    """The simulated network: a function, and the requests it received."""

    def __init__(self) -> None:
        self.answer: Answer = nobody
        self.asked: list[HttpRequest] = []

    def fetch(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request)
        match self.answer(request):
            case HttpResponse() as response:
                return response
            case int() as status if not isinstance(status, bool):
                return HttpResponse(status, "")
            case str() as text:
                return HttpResponse(
                    200, "OK", (("content-type", "text/plain; charset=utf-8"),), text.encode()
                )
            case value:
                return HttpResponse(200, "OK", (("content-type", "application/json"),), orjson.dumps(value))
