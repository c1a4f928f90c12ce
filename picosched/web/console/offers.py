"""The events and queries a pico understands: events selected by its rules, and shared functions."""

from __future__ import annotations

from dataclasses import dataclass

import orjson

from picosched.engine.engine import Engine
from picosched.pico.channel import Channel
from picosched.store.picos import PicoRow


@dataclass(frozen=True, slots=True)
class Offer:
    """An event `domain:type` or a function `rid:name`, with the names of its attributes or arguments."""

    name: str
    takes: tuple[str, ...]

    @property
    def skeleton(self) -> str:
        """A JSON map to fill in."""
        if not self.takes:
            return "{}"
        return orjson.dumps(dict.fromkeys(self.takes, ""), option=orjson.OPT_INDENT_2).decode()


@dataclass(frozen=True, slots=True)
class Offers:
    """The offers of one pico."""

    events: list[Offer]
    queries: list[Offer]
    channels: list[Channel]


def offers_of(engine: Engine, pico_id: str) -> Offers:
    """A pico's offers; `not_found` if it does not exist. For a thread that may block."""

    def work() -> Offers:
        events: dict[str, tuple[str, ...]] = {}
        queries: list[Offer] = []
        for rid, installed in engine.loaded.load_pico(pico_id).installed.items():
            told = installed.ruleset.implied["__testing"]
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
    """The first picos in order of creation, at most `most`."""
    return engine.read(lambda: engine.store.pages.picos(None, most)).items
