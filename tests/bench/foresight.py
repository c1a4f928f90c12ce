"""A plan beside whole rehearsals, why beside reading the turns, check --whole beside parsing.

The store has 101 picos on disk: 100 with a ruleset and a schedule of every sixth hour each, and one that gets
the change, with a schedule too.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from functools import partial
from pathlib import Path

from picosched import Engine, VirtualClock
from picosched.check.outline import outline_of
from picosched.check.whole import check_whole
from picosched.clock import shifted
from picosched.krl.grammar import parse
from picosched.krl.source import source_of
from picosched.rehearsal.simulate import simulate
from picosched.store.port import MEMORY
from tests.bench.setup import Setup
from tests.bench.side_by_side import OURS, Row, in_a_process_of_its_own, seconds, side_by_side

PICOS, DAYS, TURNS = 100, 30, 1_000
RULESETS = Path(__file__).parents[2] / "rulesets"
BELL = """ruleset {rid} {{
  rule plan {{ select when {rid} plan
    fired {{ schedule {rid} event "rang" repeat "0 */6 * * *" attributes {{"level": 3}} }} }}
  rule rang {{ select when {rid} rang if event:attrs{{"level"}} > {least} then send_directive("rang")
    fired {{ ent:rung := ent:rung.defaultsTo(0) + 1 }} }}
  rule never {{ select when {rid} never }}
}}"""


def bell(rid: str, least: int = 5) -> str:
    return BELL.format(rid=rid, least=least)


def measure(setup: Setup) -> list[Row]:
    picos, turns = setup.times(PICOS), setup.times(TURNS)
    few = setup.few(3)
    with belfry(picos) as engine:
        for _ in range(turns):
            engine.root.raise_event("single", "struck")
        (row,) = engine.root.scheduled()
        rows = [
            side_by_side(
                f"plan of {DAYS} days: 1 of {picos + 1} picos changes",
                "s",
                {
                    OURS: partial(planned, engine, bell("single", 2)),
                    "all picos, rehearsed twice": partial(rehearsed, engine, 2),
                    "an empty process started": process_started,
                },
                repeats=few,
            ),
            side_by_side(
                f"plan of {DAYS} days: {picos} of {picos + 1} picos change",
                "s",
                {
                    OURS: partial(planned, engine, bell("many", 2)),
                    "all picos, rehearsed twice": partial(rehearsed, engine, 2),
                },
                repeats=few,
                warm=False,
            ),
            side_by_side(
                f"why no event reached a rule, {turns:,} turns looked through",
                "ms",
                {
                    OURS: lambda: 1_000 * seconds(lambda: engine.why("single.never")),
                    "reading these turns at once": lambda: 1_000 * seconds(partial(read, engine, turns)),
                },
                repeats=setup.repeats,
            ),
            side_by_side(
                "why a schedule has not fired yet",
                "ms",
                {OURS: lambda: 1_000 * seconds(lambda: engine.why(row.id))},
                repeats=setup.repeats,
            ),
        ]
    texts = [each.read_text(encoding="utf-8") for each in sorted(RULESETS.glob("*.krl"))]
    checked = side_by_side(
        f"check --whole of {len(texts)} rulesets",
        "ms",
        {
            OURS: lambda: 1_000 * seconds(lambda: check_whole([outline_of(each) for each in texts])),
            "parsing them": lambda: 1_000 * seconds(lambda: [parse(source_of(each)) for each in texts]),
        },
        repeats=setup.repeats,
    )
    return [*rows, checked]


@contextmanager
def belfry(picos: int) -> Iterator[Engine]:
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Engine(Path(folder) / "picos.db", clock=VirtualClock("2026-03-01T00:00:00Z")) as engine,
    ):
        engine.root.install(bell("single"))
        engine.root.raise_event("single", "plan")
        for number in range(picos):
            pico = engine.new_pico(f"p{number}")
            pico.install(bell("many"))
            pico.raise_event("many", "plan")
        yield engine


def planned(engine: Engine, text: str) -> float:
    def plan() -> None:
        found = engine.plan([text], DAYS)
        assert found.cut is None and found.differences, found

    return seconds(plan)


def rehearsed(engine: Engine, times: int) -> float:
    """Seconds to rehearse the time to come on whole copies."""

    def rehearse() -> None:
        with closing(engine.read(engine.store.copy, MEMORY)) as copy:
            end = shifted(engine.now(), timedelta(days=DAYS))
            for _ in simulate([], engine.now(), end, [], store=copy, settings=engine.settings):
                pass

    return times * seconds(rehearse)


def process_started() -> float:
    return seconds(lambda: in_a_process_of_its_own(nothing))


def nothing() -> None:
    """What a process has to do that is only started, with all that a rehearsal imports."""


def read(engine: Engine, turns: int) -> None:
    assert len(engine.read(engine.store.journal.entries, None, limit=turns)) == turns
