"""The recent queries, for those who look for a fault: in memory, with the beginnings of their arguments.

The journal has turns, which are durable; a query changes nothing and is not worth a write.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Mapping
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from picosched.clock import format_time
from picosched.pico.event import Query

MOST = 1_000
"""Queries kept, of all picos together."""

ARGUMENTS, LONGEST = 20, 200
"""Arguments kept of a query, and characters of a text."""


class Asked(NamedTuple):
    """A query that was answered, or failed."""

    pico_id: str
    at: datetime
    id: str
    eci: str | None
    rid: str
    name: str
    args: Mapping[str, Any]
    error: str | None


class RecentQueries:
    """The last queries through channels and by trusted callers. For one thread at a time."""

    def __init__(self) -> None:
        self._asked: deque[Asked] = deque(maxlen=MOST)

    def add(self, pico_id: str, query: Query, now: datetime, error: str | None = None) -> None:
        args = dict(brief(query.args))
        told = None if error is None else error[:LONGEST]
        self._asked.append(Asked(pico_id, now, query.id, query.eci, query.rid, query.name, args, told))

    def of(self, pico_id: str) -> list[Any]:
        """Those of a pico, newest first, as maps."""
        return [
            {
                "txnId": each.id,
                "time": format_time(each.at),
                "eci": each.eci,
                "rid": each.rid,
                "name": each.name,
                "args": each.args,
                "error": each.error,
            }
            for each in reversed(self._asked)
            if each.pico_id == pico_id
        ]


def brief(args: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The arguments without the request's headers; long texts are cut, collections become `…`."""
    for name, value in islice(args.items(), ARGUMENTS):
        if name == "_headers":
            continue
        if isinstance(value, str):
            value = value[:LONGEST]
        elif isinstance(value, list | dict) or (type(value) is int and value.bit_length() > 64):
            value = "…"
        yield name[:LONGEST], value
