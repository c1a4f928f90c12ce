"""Recent queries, for debugging: kept in memory, with their arguments cut short.

The journal has turns, which are durable; a query changes nothing and is not worth a write. Every query is
recorded, so recording is cheap, and a record is small however large the query is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from picosched.clock import format_time
from picosched.pico.event import Query

MOST = 1_000
"""Queries kept, of all picos together."""

ARGUMENTS, LONGEST = 20, 200
"""Arguments kept of a query, and characters of a text."""


class RecentQueries:
    """The last queries through channels and by trusted callers. For one thread at a time."""

    def __init__(self) -> None:
        self._asked: deque[tuple[Any, ...]] = deque(maxlen=MOST)

    def add(self, pico_id: str, query: Query, now: datetime, error: str | None = None) -> None:
        args = brief(query.args)
        message = None if error is None else error[:LONGEST]
        self._asked.append((pico_id, query.id, now, query.eci, query.rid, query.name, args, message))

    def of(self, pico_id: str) -> list[Any]:
        """The recent queries of a pico, newest first, as maps."""
        return [
            {
                "txnId": id,
                "time": format_time(at),
                "eci": eci,
                "rid": rid,
                "name": name,
                "args": args,
                "error": error,
            }
            for pico, id, at, eci, rid, name, args, error in reversed(self._asked)
            if pico == pico_id
        ]


def brief(args: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments without the request's headers; long texts are cut, collections become `…`."""
    kept: dict[str, Any] = {}
    for name, value in args.items():
        if type(value) is str:
            kept[name[:LONGEST]] = value[:LONGEST]
        elif value is None or type(value) in (bool, float) or (type(value) is int and abs(value) < 2**63):
            kept[name[:LONGEST]] = value
        elif name != "_headers":
            kept[name[:LONGEST]] = "…"
        if len(kept) == ARGUMENTS:
            break
    return kept
