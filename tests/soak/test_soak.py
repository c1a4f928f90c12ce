"""A short soak: what `make soak` does for as long as one likes, with a few kills."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.soak.run import Plan, Run


@pytest.mark.slow
def test_a_server_under_mixed_load_and_kills_keeps_all_promises(tmp_path: Path) -> None:
    told: list[str] = []
    plan = Plan(seconds=16, seed="short", kill_every=5, rate=100, houses=4)
    report = asyncio.run(Run(plan, tmp_path, told.append).play())
    assert dict(report.figures.faults) == {}
    assert report.deaths >= 1  # on a busy machine a start takes as long as a life
    assert report.answered > 50
    assert report.counts["occurrences fired"] > 50
