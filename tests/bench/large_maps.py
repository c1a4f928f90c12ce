"""One element of a map in an entity variable set, beside the map set as a whole: CPU time of a turn"""

from __future__ import annotations

from contextlib import AbstractContextManager
from functools import partial
from time import process_time

from picosched import Engine, PicoRef
from tests.bench.setup import Setup, counting
from tests.bench.side_by_side import OURS, Row, side_by_side

KEYS = (10, 1_000, 100_000)
RULESET = """ruleset maps {
  rule fill { select when maps fill fired { ent:m := event:attrs{"m"} } }
  rule element { select when maps element fired { ent:m{event:attrs{"key"}} := event:attrs{"value"} } }
  rule whole {
    select when maps whole
    fired { ent:m := ent:m.set(event:attrs{"key"}, event:attrs{"value"}) }
  }
}"""


def measure(setup: Setup) -> list[Row]:
    rows = []
    for number in map(setup.times, KEYS):
        few = 500 if number < KEYS[-1] else 5
        # Each has a file of its own: what one writes, the other must not have to put into the database.
        with new_engine() as of_elements, new_engine() as of_wholes:
            by_element, as_whole = filled(of_elements, number), filled(of_wholes, number)
            by_element.raise_event("maps", "element", {"key": "k0", "value": -1})
            rows.append(
                side_by_side(
                    f"an element of {number:,}",
                    "µs CPU",
                    {
                        OURS: partial(changed, by_element, "element", number, setup.times(500)),
                        "as a whole": partial(changed, as_whole, "whole", number, setup.times(few)),
                    },
                    repeats=setup.repeats,
                )
            )
    return rows


def new_engine() -> AbstractContextManager[Engine]:
    return counting(durability="normal", max_attrs_bytes=16_000_000)


def filled(engine: Engine, number: int) -> PicoRef:
    """A pico with a map of so many elements."""
    pico = engine.new_pico("maps")
    pico.install(RULESET)
    pico.raise_event("maps", "fill", {"m": {f"k{each}": each for each in range(number)}})
    return pico


def changed(pico: PicoRef, how: str, number: int, times: int) -> float:
    """Microseconds of CPU time for a turn that sets one element."""
    begun = process_time()
    for each in range(times):
        pico.raise_event("maps", how, {"key": f"k{each * 7 % number}", "value": each})
    return (process_time() - begun) / times * 1e6
