"""kill -9 while a schedule or a source waits for its program: it is raised once, no second is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import pytest

from picosched.schedule.scheduled import Outcome

pytestmark = pytest.mark.slow

HOLDING = Path(__file__).with_name("holding.py")
KILLS = 5
RAISED = (Outcome.FIRED, Outcome.LATE, Outcome.COALESCED)


def holding(*words: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(HOLDING), *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONPATH": str(HOLDING.parent.parent)},
    )


@pytest.mark.parametrize("what", ["schedule", "source"])
def test_what_is_held_when_the_process_is_killed_is_raised_once(what: str, tmp_path: Path) -> None:
    words = what, str(tmp_path / "held.db"), str(tmp_path / "end")
    for _ in range(KILLS):
        with holding(*words) as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "held\n"
            process.kill()
    with holding(*words, "end") as process:
        told = json.loads(process.communicate(timeout=60)[0])
    records = sorted(told["records"])
    assert len([outcome for _, outcome, _ in records if outcome in RAISED]) == len(told["got"]) > KILLS
    # Each program ended once: those of a dead process were interrupted.
    assert told["got"][:KILLS] == ["interrupted"] * KILLS
    assert {*told["got"][KILLS:]} == {"exited"}
    # Each second is accounted for by one record.
    for (nominal, _, stands_for), (following, _, _) in pairwise(records):
        assert nominal + stands_for == following, records
