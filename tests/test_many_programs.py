"""However many programs are wanted, few are taken up at a time, and all of them run."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import pytest
from racing import until

from picosched import Engine
from picosched.due.programs import LINE, TAKEN_UP

RULESET = """ruleset many {
  meta { shares ran }
  global { ran = function() { ent:ran.defaultsTo(0) } }
  rule run { select when many wanted foreach 1.range(event:attrs{"n"}) setting(n) proc:run("/bin/true") }
  rule ran { select when proc finished always { ent:ran := ran() + 1 } }
}"""


@pytest.mark.slow
def test_few_programs_are_taken_up_at_a_time_and_all_run(tmp_path: Path) -> None:
    waiting = list[Collection[str]]()
    with Engine(tmp_path / "picos.db", proc_allow=("/bin/true",), durability="normal") as engine:
        engine.root.install(RULESET)
        engine.root.raise_event("many", "wanted", {"n": 10 * TAKEN_UP})
        engine.start()

        def all_ran() -> bool:
            waiting.append(engine._programs.left_out().ids)
            return bool(engine.root.query("many", "ran") == 10 * TAKEN_UP)

        until(all_ran)
    assert 0 < max(map(len, waiting)) <= LINE


@pytest.mark.slow
def test_all_run_where_nothing_runs_in_the_background() -> None:
    with Engine(proc_allow=("/bin/true",)) as engine:
        engine.root.install(RULESET)
        engine.root.raise_event("many", "wanted", {"n": 3 * TAKEN_UP})
        engine.run_due()  # runs them
        engine.run_due()  # and raises the last ends
        assert engine.root.query("many", "ran") == 3 * TAKEN_UP
        assert engine.next_due() is None
