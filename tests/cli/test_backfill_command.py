"""`picosched backfill`: what it shows, and what it raises."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from picosched import Engine, VirtualClock
from picosched.clock import SystemClock, format_time

HOURLY = """ruleset hourly { meta { shares times } global { times = function() { ent:times.defaultsTo([]) } }
  rule plan { select when hourly plan fired { schedule hourly event "due" repeat "0 * * * *" } }
  rule due { select when hourly due fired { ent:times := times().append(event:attrs{"_nominal"}) } } }"""


@pytest.fixture
def gap() -> list[str]:
    """A database with a schedule that somebody was away from for three hours; those hours."""
    hour = SystemClock().now().replace(minute=0, second=0, microsecond=0)
    clock = VirtualClock(hour - timedelta(hours=5, minutes=30))
    with Engine("picosched.db", clock=clock, misfire="skip") as engine:
        engine.root.install(HOURLY)
        engine.root.raise_event("hourly", "plan")
        engine.run_until(hour - timedelta(hours=5))
        clock.set(hour - timedelta(hours=1, minutes=30))
        engine.run_due()
    return [format_time(hour - timedelta(hours=each)) for each in (5, 4, 3, 2)]


def test_a_backfill_is_shown_then_raised_and_never_again(run: Any, gap: list[str]) -> None:
    id = run("scheduled", "--json").json["id"]
    words = ("backfill", id[:8], "--from", gap[0], "--until", gap[-1])
    shown = [f"{gap[0]}  left: on record as fired", *(f"{each}  would be raised" for each in gap[1:])]
    assert run(*words).out.splitlines() == [*shown, "--yes raises hourly:due 3 times"]
    assert run("query", "hourly:times").json == [None]
    raised = run(*words, "--yes", "--json").lines
    assert [(each["nominal"], each["outcome"], each["left"]) for each in raised] == [
        (gap[0], None, "on record as fired"),
        *((each, "late", None) for each in gap[1:]),
    ]
    assert run("query", "hourly:times").json == [None, *gap[1:]]
    assert run(*words, "--yes").out.splitlines()[1:] == [
        f"{each}  left: on record as late" for each in gap[1:]
    ]
    assert run("query", "hourly:times").json == [None, *gap[1:]]
    assert [line.split()[0] for line in run("history").out.splitlines() if "backfilled" in line] == gap[:0:-1]


def test_where_nothing_was_due_it_says_so(run: Any, gap: list[str]) -> None:
    id = run("scheduled", "--json").json["id"]
    between = gap[0].replace(":00:00Z", ":10:00Z"), gap[0].replace(":00:00Z", ":20:00Z")
    assert run("backfill", id, "--from", between[0], "--until", between[1]).out == "nothing was due then\n"
    late = run("backfill", id, "--from", "2000-01-01", "--until", "2000-01-02")
    assert (late.status, "older records are deleted (history_days)" in late.err) == (1, True)
