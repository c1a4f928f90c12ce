"""What a replay needs: inputs kept with a turn, beside keeping none; a snapshot; turns replayed from it"""

from __future__ import annotations

import tempfile
from functools import partial
from pathlib import Path
from time import perf_counter, process_time

from picosched import Engine, VirtualClock
from picosched.krl.requests import HttpRequest, HttpResponse
from tests.bench.setup import Setup
from tests.bench.side_by_side import OURS, Row, side_by_side

TURNS = 10_000
RULESET = """ruleset kept {
  rule plain { select when kept plain fired { ent:n := ent:n.defaultsTo(0) + 1 } }
  rule plans { select when kept plans
    fired { schedule kept event "planned" at "2027-01-01" attributes {"n": 1, "_name": "one"} } }
  rule asks { select when kept asks
    http:get("https://there.example") setting(answer)
    fired { ent:n := answer{"content"}.length() } }
}"""
ANSWER = HttpResponse(200, "OK", (("content-type", "text/plain"),), b"a line of text\n" * 267)


def measure(setup: Setup) -> list[Row]:
    rows = []
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        with new_engine(Path(folder) / "kept.db") as kept, new_engine(Path(folder) / "none.db", 0) as none:
            for what, type in (
                ("a turn that draws and asks nothing", "plain"),
                ("a turn that schedules, and so draws an id", "plans"),
                ("a turn with an HTTP answer of 4 kB", "asks"),
            ):
                contenders = {
                    OURS: partial(turns, kept, type, setup.times(1_000)),
                    "recorded_bytes = 0": partial(turns, none, type, setup.times(1_000)),
                }
                rows.append(side_by_side(what, "µs CPU", contenders, repeats=setup.repeats))
        rows += replayed(Path(folder), setup)
    return rows


def new_engine(file: Path, recorded_bytes: int = 64_000, **options: str) -> Engine:
    """An engine on a clock that is moved by hand, so that no row comes due."""
    clock = VirtualClock("2026-01-01T00:00:00Z")
    chosen = {"durability": "normal", "recorded_bytes": recorded_bytes, **options}
    engine = Engine(file, clock, outside=answered, **chosen)
    engine.root.install(RULESET)
    return engine


def answered(request: HttpRequest) -> HttpResponse:
    return ANSWER


def turns(engine: Engine, type: str, times: int) -> float:
    """Microseconds of CPU time for a turn."""
    begun = process_time()
    for _ in range(times):
        engine.root.raise_event("kept", type)
    return (process_time() - begun) / times * 1e6


def replayed(folder: Path, setup: Setup) -> list[Row]:
    """Turns of all three kinds, a snapshot of a store that has them, and their replay."""
    number = setup.times(TURNS)
    with new_engine(folder / "past.db") as engine:
        engine.root.raise_event("kept", "plain")
        start = engine.store.copy(folder / "start.db")
        for each in range(number):
            engine.root.raise_event("kept", ("plain", "plans", "plain", "asks")[each % 4])
        size = engine.store.size() / 1e6
        begun = process_time()
        again = engine.replay(backup=start)
        took = (process_time() - begun) / number * 1e6
        assert again.differences == [] and again.turns == number
        start.close()
    seconds = []
    for _ in range(setup.few(3)):
        with Engine(
            folder / "past.db", VirtualClock("2026-01-01T00:00:00Z"), snapshots_in=str(folder / "snapshots")
        ) as engine:
            begun = perf_counter()
            engine.run_due()
            seconds.append((perf_counter() - begun) * 1_000)
        for each in (folder / "snapshots").iterdir():
            each.unlink()
    return [
        Row(f"a snapshot of {size:.1f} MB, {number:,} turns", "ms", {OURS: seconds}),
        Row("a turn replayed and compared", "µs CPU", {OURS: [took]}),
    ]
