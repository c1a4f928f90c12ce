"""Turns and queries that need an answer from the world outside.

A rule that asks stops its turn (`Unanswered`) before anything has happened. The request is made here, while
nobody holds the store, and the turn is evaluated again with the answer; so a slow host delays whoever asks
it and nobody else. What is asked is asked at least once: a process that ends in between asks again.

In the background such rows wait in threads of their own, each pico's in its turn, and are left out of what is
due until they are answered; without a scheduler in the background they are answered one after the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol, TypeVar

from picosched.due.background import Background, away
from picosched.errors import PicoschedError
from picosched.krl.scope import HttpRequest, HttpResponse
from picosched.pico.said import MOST_ASKED, Answers, Unanswered


class Piece(Protocol):
    """Work that may need answers from outside."""

    @property
    def answers(self) -> Answers: ...


T = TypeVar("T")
P = TypeVar("P", bound=Piece)
Ask = Callable[[HttpRequest], HttpResponse]

AT_ONCE = 16
"""Threads that may wait for the world outside."""

OF_ONE = 4
"""Of them, for the rows of one pico."""

LINE = 100
"""Rows of one pico that wait for their turn with them, before more of them are looked at."""


class Waiting(Background):
    """Asks the world outside for turns and queries that cannot go on without an answer."""

    def __init__(self, ask: Ask, done: Callable[[], None]) -> None:
        super().__init__("picosched-asking", done, at_once=AT_ONCE, of_one=OF_ONE, line=LINE)
        self._ask = ask

    def done(self, perform: Callable[[P], T | Unanswered], piece: P, outcome: T | Unanswered) -> T:
        """What `perform` makes of a piece in the end, if it made `outcome` of it so far."""
        given = piece.answers.given
        for _ in range(2 * MOST_ASKED):
            if not isinstance(outcome, Unanswered):
                return outcome
            del given[outcome.place :]
            with away():
                answer = self._ask(outcome.request)
            given.append((outcome.request, answer))
            outcome = perform(piece)
        raise PicoschedError("the event asks something else each time it is tried", "conflict")
