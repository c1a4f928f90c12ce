"""The arguments of what people do to picos and sources, so that they can be kept and it can be done again.

The words are in `intervention`; what is done to schedules is in `schedule.steps`.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from picosched.clock import parse_time
from picosched.intervention import PAUSED, RESUMED
from picosched.pico.channel import Channel, Policy
from picosched.store.picos import hash_of
from picosched.store.store import Store
from picosched.turns import sources as declaring

if TYPE_CHECKING:
    from picosched.krl.ruleset import Ruleset


def install_told(
    pico_id: str, ruleset: Ruleset, origin: str | None, config: Mapping[str, Any] | None
) -> dict[str, Any]:
    hash = hash_of(ruleset.source.text)
    known = None if config is None else dict(config)
    return {"pico": pico_id, "rid": ruleset.rid, "hash": hash, "origin": origin, "config": known}


def channel_told(channel: Channel) -> dict[str, Any]:
    return {
        "eci": channel.eci,
        "pico": channel.pico_id,
        "tags": [*channel.tags],
        "events": [[*channel.events.allow], [*channel.events.deny]],
        "queries": [[*channel.queries.allow], [*channel.queries.deny]],
        "kin": channel.kin,
        "eci_of_kin": channel.eci_of_kin,
    }


def channel_of(told: Mapping[str, Any]) -> Channel:
    """The channel that `channel_told` described."""
    events, queries = (Policy(tuple(allow), tuple(deny)) for allow, deny in (told["events"], told["queries"]))
    return Channel(
        told["eci"], told["pico"], tuple(told["tags"]), events, queries, told["kin"], told["eci_of_kin"]
    )


def change_source(store: Store, what: str, id: str, told: Mapping[str, Any], now: datetime) -> bool:
    """Remove, pause or resume a source, inside a transaction; returns what `declaring` does."""
    if what == "removed":
        return declaring.remove(store, id)
    if what == RESUMED:
        return declaring.resume(store, id, now)
    assert what == PAUSED, what
    return declaring.pause(store, id, None if told["until"] is None else parse_time(told["until"]))
