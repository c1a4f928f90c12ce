"""Turns and queries that need an answer from outside, or from another pico's turn.

A rule that makes a request stops its turn (`Unanswered`) before anything is written. The request is made
here, without holding the store, and the turn is evaluated again with the answer, so a slow host delays only
this caller. Requests are made at least once: if the process ends in between, the next one repeats them.

A row may say until when its turn waits. Then the request is cut off, and the row is told that the wait was
given up; only another pico's turn is waited for to its end.

In the background such rows wait in their own threads, picos in turn, and are left out of due queries until
they are answered; without a background scheduler they are answered one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, TypeVar

from picosched.due.background import Background, away
from picosched.due.wired import Wired
from picosched.errors import PicoschedError
from picosched.krl.requests import (
    TRACEPARENT,
    EventQuery,
    EventQueryAnswer,
    HttpRequest,
    HttpResponse,
    Request,
    Response,
)
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
        self, wired: Wired, ask: Ask, ask_pico: Callable[[EventQuery, str | None], EventQueryAnswer]
    ) -> None:
        name, hold = "picosched-asking", wired.apart.hold
        super().__init__(name, wired.look_again, at_once=AT_ONCE, of_one=OF_ONE, line=LINE, hold=hold)
        self._ask = ask
        self._ask_pico = ask_pico
        self._now = wired.now

    def done(self, perform: Callable[[P], T | Unanswered], piece: P, outcome: T | Unanswered) -> T:
        """The final result of `perform` for a piece, given its first `outcome`."""
        answers, given = piece.answers, piece.answers.given
        for _ in range(2 * MOST_ASKED):
            if not isinstance(outcome, Unanswered):
                return outcome
            del given[outcome.place :]
            if (left := self._left(answers)) is None or left > 0:
                given.append((outcome.request, self._answer(outcome.request, left, answers.trace)))
            left = self._left(answers)
            answers.given_up = left is not None and left <= 0
            outcome = perform(piece)
        raise PicoschedError("the event asks something else each time it is tried", "conflict")

    def _left(self, answers: Answers) -> float | None:
        """Seconds until the wait is given up; None if it is not."""
        return None if answers.until is None else (answers.until - self._now()).total_seconds()

    def _answer(self, request: Request, seconds: float | None, trace: str | None) -> Response:
        if isinstance(request, EventQuery):
            return self._ask_pico(request, trace)
        if trace is not None:  # a header of the rule wins
            request = replace(request, headers=((TRACEPARENT, trace), *request.headers))
        with away():
            return self._ask(request if seconds is None else replace(request, seconds=seconds))
