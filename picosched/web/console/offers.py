"""What a pico may be told and asked, as its rulesets say: the events that rules select, the functions
that are shared.
"""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from picosched.engine.engine import Engine
from picosched.pico.channel import Channel
from picosched.store.picos import PicoRow


@dataclass(frozen=True, slots=True)
class Offer:
    """An event `domain:type`, or a function `rid:name`, and the names of what it takes."""

    name: str
    takes: tuple[str, ...]

    @property
    def skeleton(self) -> str:
        """A map to fill in, as JSON."""
        if not self.takes:
            return "{}"
        return orjson.dumps(dict.fromkeys(self.takes, ""), option=orjson.OPT_INDENT_2).decode()


@dataclass(frozen=True, slots=True)
class Offers:
    """Of one pico."""

    events: list[Offer]
    queries: list[Offer]
    channels: list[Channel]


def offers_of(engine: Engine, pico_id: str) -> Offers:
    """What a pico offers; `not_found` without it. For a thread that may wait."""

    def work() -> Offers:
        events: dict[str, tuple[str, ...]] = {}
        queries: list[Offer] = []
        for rid, installed in engine.loaded.load_pico(pico_id).installed.items():
            told = installed.ruleset.testing
            for each in told["events"]:
                name = f"{each['domain']}:{each['name']}"
                events[name] = tuple(dict.fromkeys((*events.get(name, ()), *each["attrs"])))
            queries += [
                Offer(f"{rid}:{each['name']}", tuple(each["args"]))
                for each in told["queries"]
                if each["name"] != "__testing"
            ]
        channels = [each for each in engine.store.picos.channels(pico_id) if each.kin is None]
        return Offers([Offer(*each) for each in events.items() if "*" not in each[0]], queries, channels)

    return engine.read(work)


def all_picos(engine: Engine, most: int = 2_000) -> list[PicoRow]:
    """The picos, in the order they were made; at most so many."""
    return engine.read(lambda: engine.store.pages.picos(None, most)).items
