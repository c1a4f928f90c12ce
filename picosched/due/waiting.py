"""Turns and queries that need an answer from outside, or from another pico's turn.

A rule that makes a request stops its turn (`Unanswered`) before anything is written. The request is made
here, without holding the store, and the turn is evaluated again with the answer, so a slow host delays only
this caller. Requests are made at least once: if the process ends in between, the next one repeats them.

In the background such rows wait in their own threads, picos in turn, and are left out of due queries until
they are answered; without a background scheduler they are answered one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from picosched.due.background import Background, away
from picosched.errors import PicoschedError
from picosched.krl.requests import EventQuery, EventQueryAnswer, HttpRequest, HttpResponse, Request, Response
from picosched.pico.said import MOST_ASKED, Answers, Unanswered


class MayAsk(Protocol):
    """A piece of work that may need answers from outside."""

    @property
    def answers(self) -> Answers: ...


T = TypeVar("T")
P = TypeVar("P", bound=MayAsk)
Ask = Callable[[HttpRequest], HttpResponse]

AT_ONCE = 16
"""Threads that may wait for outside answers."""

OF_ONE = 4
"""Of them, for the rows of one pico."""

LINE = 100
"""Rows of one pico that may wait for a thread; all others wait in the database."""


class Waiting(Background):
    """Makes the requests that turns and queries need answered before they can continue."""

    def __init__(
        self, ask: Ask, ask_pico: Callable[[EventQuery], EventQueryAnswer], done: Callable[[], None]
    ) -> None:
        super().__init__("picosched-asking", done, at_once=AT_ONCE, of_one=OF_ONE, line=LINE)
        self._ask = ask
        self._ask_pico = ask_pico

    def done(self, perform: Callable[[P], T | Unanswered], piece: P, outcome: T | Unanswered) -> T:
        """The final result of `perform` for a piece, given its first `outcome`."""
        given = piece.answers.given
        for _ in range(2 * MOST_ASKED):
            if not isinstance(outcome, Unanswered):
                return outcome
            del given[outcome.place :]
            given.append((outcome.request, self._answer(outcome.request)))
            outcome = perform(piece)
        raise PicoschedError("the event asks something else each time it is tried", "conflict")

    def _answer(self, request: Request) -> Response:
        if isinstance(request, EventQuery):
            return self._ask_pico(request)
        with away():
            return self._ask(request)
