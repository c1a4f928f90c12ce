"""What one event and one due row cost in files, moves and calls: more than this is a step back."""

from __future__ import annotations

from bench.hops import of_a_due_row, of_an_event


def test_an_event_and_a_due_row_enter_no_more_files_than_they_did() -> None:
    event, row = of_an_event(), of_a_due_row()
    assert event.files <= 30
    assert event.moves <= 120
    assert event.calls <= 109
    assert row.files <= 53
    assert row.moves <= 377
    assert row.calls <= 312
