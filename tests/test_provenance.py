"""Who changed a schedule: rules and surfaces, the last of them, as long as the row is."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from picosched import Engine, VirtualClock
from picosched.schedule.provenance import MOST

RULES = """ruleset bells {
  rule plan { select when bell wanted
    fired { schedule bell event "rings" repeat "0 * * * *"
      attributes {"_name": "hourly", "_on_failure": "pause"} } }
  rule hush { select when bell hush
    event:pause(event:attrs{"id"}) }
  rule rings { select when bell rings pre { x = time:add("soon", {"days": 1}) } noop() }
}"""


@pytest.fixture
def engine() -> Iterator[Engine]:
    with Engine(":memory:", clock=VirtualClock("2026-03-01T08:00:00Z"), seed=1) as engine:
        engine.root.install(RULES)
        engine.root.raise_event("bell", "wanted")
        yield engine


def whole(engine: Engine, id: str) -> list[tuple[str, str, str | None]]:
    return [(each.what, each.by, each.eid) for each in engine.agenda.changes_of(id)]


def test_each_change_names_its_turn_and_rule_or_its_surface(engine: Engine) -> None:
    (row,) = engine.agenda.scheduled()
    turn = engine.root.raise_event("bell", "hush", {"id": row.id})
    engine.agenda.acting("HTTP").resume(row.id)
    engine.agenda.acting("the console").move(row.id, "2026-03-01T08:30:00Z")
    engine.agenda.reschedule(row.id, "0 9 * * *")
    engine.agenda.pause(row.id, "2026-03-01T08:10:00Z", dry_run=True)
    engine.agenda.pause(row.id, "2026-03-01T08:10:00Z")
    engine.run_until("2026-03-01T08:20:00Z")
    engine.run_until("2026-03-01T09:00:00Z")
    fire = engine.history(limit=1)[0]
    assert whole(engine, row.id) == [
        ("paused", "bells.hush", turn.eid),
        ("resumed", "HTTP", None),
        ("moved", "the console", None),
        ("rescheduled", "Python", None),
        ("paused", "Python", None),
        ("resumed", "the end of its pause", None),
        ("paused", "_on_failure", fire.eid),
    ]
    broke = engine.why("hourly").broke
    assert broke is not None
    assert broke.text == (
        "until it is resumed; paused at 2026-03-01T09:00:00Z by _on_failure "
        f"in the turn {fire.eid}, after 1 failures in a row"
    )


def test_the_last_changes_are_kept_and_go_with_the_row(engine: Engine) -> None:
    (row,) = engine.agenda.scheduled()
    for _ in range(MOST):
        engine.agenda.pause(row.id)
        engine.agenda.resume(row.id)
    engine.agenda.cancel(row.id)
    found = whole(engine, row.id)
    assert len(found) == MOST and found[-1] == ("cancelled", "Python", None) and found[0][0] == "resumed"
    engine.run_until("2026-04-05T00:00:00Z")
    engine.prune()
    assert engine.agenda.find(row.id) is None and whole(engine, row.id) == []


def test_each_change_says_what_it_was(engine: Engine) -> None:
    (row,) = engine.agenda.scheduled()
    agenda = engine.agenda.acting("HTTP")
    agenda.move(row.id, "2026-12-01T09:00:00.500Z")
    agenda.reschedule(row.id, "30 9 * * *", "Europe/Rome")
    agenda.pause(row.id, "2026-03-01T12:00:00Z")
    agenda.resume(row.id)
    agenda.cancel(row.id)
    now = "at 2026-03-01T08:00:00Z by HTTP"
    assert [str(each) for each in engine.agenda.changes_of(row.id)] == [
        f"moved from 2026-03-01T09:00:00Z to 2026-12-01T09:00:00.500Z {now}",
        f'rescheduled from "0 * * * *" to "30 9 * * *" in Europe/Rome {now}',
        f"paused until 2026-03-01T12:00:00Z {now}",
        f"resumed {now}",
        f"cancelled {now}",
    ]


def test_a_rule_that_moves_says_so_too(engine: Engine) -> None:
    engine.root.install(
        """ruleset bells {
      rule plan { select when bell once
        fired { schedule bell event "rings" at "2026-03-01T10:00:00Z" attributes {"_name": "once"} } }
      rule later { select when bell later
        event:move(event:attrs{"id"}, "2026-03-01T11:00:00Z") }
    }"""
    )
    engine.root.raise_event("bell", "once")
    (id,) = [row.id for row in engine.agenda.scheduled() if row.name == "once"]
    turn = engine.root.raise_event("bell", "later", {"id": id})
    moved = (
        "moved from 2026-03-01T10:00:00Z to 2026-03-01T11:00:00Z at 2026-03-01T08:00:00Z "
        f"by bells.later in the turn {turn.eid}"
    )
    timetable = engine.why("once").links[1]
    assert timetable.text == f"once; its next was {moved}"
    for time in ("2026-03-01T09:00:00Z", "2026-03-01T12:00:00Z"):
        engine.run_until(time)
        broke = engine.why("once", "2026-03-01T10:00:00Z").broke
        assert broke is not None and (broke.name, broke.text) == ("moved", moved)
    raised = engine.why("once").links[2]
    assert raised.name == "raised" and raised.text.startswith("at 2026-03-01T11:00:00Z")
