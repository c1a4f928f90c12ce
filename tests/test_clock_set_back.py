"""A clock that is set back: what is on record may be in the way of what comes anew, and must not stop it."""

from __future__ import annotations

import random
from datetime import timedelta

import pytest

from picosched import Engine, PicoschedError, VirtualClock

START = "2026-03-01T12:00:00Z"
RULESET = """ruleset bell {
  rule hang { select when bell hung
    always { schedule bell event "rings" repeat "* * * * * *" with _misfire = event:attrs{"misfire"} } }
  rule ring { select when bell rings always { ent:rung := ent:rung.defaultsTo(0) + 1 } }
}"""


@pytest.mark.parametrize("misfire", ["once", "all"])
def test_a_repeat_that_is_scheduled_anew_in_the_past_comes_again_at_times_it_had(misfire: str) -> None:
    clock = VirtualClock(START)
    with Engine(clock=clock, granularity=1, min_period=0) as engine:
        engine.root.install(RULESET)
        (id,) = engine.root.raise_event("bell", "hung", {"misfire": misfire}).scheduled
        assert engine.run_until("2026-03-01T12:00:05Z") == 5
        clock.set(START)
        engine.agenda.reschedule(id, "* * * * * *")
        assert engine.run_until("2026-03-01T12:00:10Z") == 10
        assert len(engine.root.history(id)) == 15


def test_whatever_is_done_while_the_clock_goes_back_and_forth_nothing_sticks() -> None:
    chance, clock = random.Random(1), VirtualClock(START)
    with Engine(clock=clock, granularity=1, min_period=0) as engine:
        engine.root.install(RULESET)
        for misfire in ("once", "all", "skip"):
            engine.root.raise_event("bell", "hung", {"misfire": misfire})
        agenda = engine.agenda
        for _ in range(300):
            row = chance.choice(engine.scheduled())
            by = timedelta(seconds=chance.randint(-3, 3))
            try:
                chance.choice(
                    [
                        lambda row=row: agenda.reschedule(row.id, "*/2 * * * * *"),
                        lambda row=row: agenda.reschedule(row.id, "* * * * * *"),
                        lambda row=row, by=by: agenda.move(row.id, engine.now() + by),
                        lambda row=row: agenda.fire_now(row.id),
                        lambda row=row, by=by: agenda.pause(row.id, engine.now() + by),
                        lambda row=row: agenda.resume(row.id),
                    ]
                )()
            except PicoschedError as error:
                assert error.code == "not_found"
            clock.set(clock.now() + timedelta(seconds=chance.choice((-4, -1, 0, 1, 1, 2, 3))))
            engine.run_due()
            coming = engine.next_due()
            assert coming is None or coming > engine.now()
