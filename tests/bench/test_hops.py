"""What one event and one due row cost in files, moves, calls and rounds of the lock: more is a step back.

The numbers are what was reached, not what was hoped for: docs/design.md has both.
"""

from __future__ import annotations

from bench.hops import of_a_due_row, of_an_event


def test_an_event_and_a_due_row_cost_no_more_than_they_did() -> None:
    event, row = of_an_event(), of_a_due_row()
    assert event.files <= 29
    assert event.moves <= 117
    assert event.calls <= 108
    assert row.files <= 54
    assert row.moves <= 340
    assert row.calls <= 282


def test_a_due_row_takes_the_lock_once() -> None:
    """It is found, performed and committed, and what comes next is read, before anybody else has a turn."""
    row = of_a_due_row()
    assert (row.rounds, row.reads) == (1, 3)
