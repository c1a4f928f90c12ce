"""Rules that would fill the memory, in a process that has 3 GB: it lives, and serves the next event.

All of them run in one process, by the usual bounds, also as what was scheduled and came due.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import pytest
from test_hostile import MEMORY, SAID, rule

from picosched import Engine, VirtualClock

pytestmark = pytest.mark.slow

ADDRESS_SPACE = 3_000_000_000
MOST_GROWN = 1_000_000
"""Kilobytes by which the process may grow."""
LARGE = ("directives", "log", "variables", "keys", "chance")
HOSTILE = {name: rule(text) for name, text in MEMORY.items()} | {
    name: text for name, text in SAID.items() if name.startswith(LARGE)
}


def grown_to() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


def run(database: Path) -> None:
    """Raise what is hostile, at once and as what came due; print what became of it."""
    resource.setrlimit(resource.RLIMIT_AS, (ADDRESS_SPACE, ADDRESS_SPACE))
    found = {}
    with Engine(database, VirtualClock("2026-01-01T00:00:00Z"), granularity=1) as engine:
        good = """ruleset good {
            rule here { select when t next send_directive("here") } }"""
        engine.root.install(good)
        before = grown_to()
        for name, text in HOSTILE.items():
            later = 'rule later { select when t begin fired { schedule t event "go" at time:now() } } }'
            engine.root.install(text.rstrip().removesuffix("}") + later)
            errors = engine.root.raise_event("t", "go").errors
            codes = [error.code for error in errors]
            if name.startswith("keys"):
                codes += ["bytes" for error in errors if "(max_turn_bytes)" in error.message]
                engine.root.raise_event("t", "begin")
                engine.run_due()
                codes += ["failed" for fire in engine.history(limit=1) if fire.outcome == "failed"]
            served = [each.name for each in engine.root.raise_event("t", "next").directives]
            found[name] = [codes, served]
    sys.stdout.write(json.dumps({"found": found, "grown": grown_to() - before}))


def test_no_rule_fills_the_memory(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, __file__, str(tmp_path / "picos.db")], capture_output=True, text=True, timeout=120
    )
    assert done.returncode == 0, done.stderr[-2000:]
    told = json.loads(done.stdout)
    due = ["too_large", "bytes", "failed"]
    assert told["found"] == {
        name: [due if name.startswith("keys") else ["too_large"], ["here"]] for name in HOSTILE
    }
    assert told["grown"] < MOST_GROWN


if __name__ == "__main__":
    run(Path(sys.argv[1]))
