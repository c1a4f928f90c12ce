"""`ctx:eventQuery`: what one pico asks of another is an event and, once its turn is durable, a query.

The turn that asks waits meanwhile, so picos that ask each other are bounded here, in depth and in number.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Callable
from typing import Any

from picosched.due.background import DismissedError, refuse_dismissed
from picosched.errors import PicoschedError
from picosched.frozen import replace
from picosched.krl.requests import EventQuery, EventQueryAnswer
from picosched.krl.text import measured
from picosched.pico.event import Event, Query
from picosched.pico.turn import Turn
from picosched.store.faults import StoreError

DEEPEST = 5
"""Turns of other picos that one turn waits for, each within the one before."""

MOST_ASKED_AFTER = 50
"""Turns of other picos that one `ctx:eventQuery` may lead to, all depths together."""


class Questions:
    """Answers what turns ask of other picos, through the door that callers use. For any thread."""

    def __init__(
        self,
        new_event: Callable[..., Event],
        raise_one: Callable[[Event, str], Turn],
        new_query: Callable[..., Query],
        answer_to: Callable[[Query, str], Any],
    ) -> None:
        self._new_event = new_event
        self._raise_one = raise_one
        self._new_query = new_query
        self._answer_to = answer_to
        self._deep = threading.local()
        """How many turns of other picos the calling thread waits for, each within the one before."""

    def answer(self, request: EventQuery, trace: str | None) -> EventQueryAnswer:
        """Raise the event in its pico and, once its turn is durable, ask the query. It continues the trace.

        The turn that asked waits without any lock and has written nothing. If it is tried again, also after a
        crash, the key makes the event happen once.
        """
        refuse_dismissed()
        depth = getattr(self._deep, "turns", 0)
        self._deep.turns = depth + 1
        self._deep.all = getattr(self._deep, "all", 0) + 1 if depth else 1
        try:
            if depth >= DEEPEST:
                found = f"found {depth} picos that wait for each other's turns"
                raise PicoschedError(f"{found}, wanted at most {DEEPEST}", "conflict")
            if self._deep.all > MOST_ASKED_AFTER:
                raise PicoschedError(
                    f"found more than {MOST_ASKED_AFTER} turns of other picos that one question leads to",
                    "too_large",
                )
            attrs, args = json.loads(request.attrs), json.loads(request.args)
            event = self._new_event(request.domain, request.type, attrs, eci=request.eci, once=request.once)
            self._raise_one(event if trace is None else replace(event, trace=trace), request.pico_id)
            query = self._new_query(request.rid, request.name, args, eci=request.eci)
            value = self._answer_to(query, request.pico_id)
        except (StoreError, DismissedError):
            raise
        except PicoschedError as error:
            return EventQueryAnswer(error=error)
        finally:
            self._deep.turns = depth
        return EventQueryAnswer(value, size=measured(value)[1])
