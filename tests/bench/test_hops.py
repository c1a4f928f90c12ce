"""What one event and one due row cost in files, moves and calls: more than this is a step back.

The numbers are what was reached, not what was hoped for: docs/design.md has both.
"""

from __future__ import annotations

from bench.hops import of_a_due_row, of_an_event


def test_an_event_and_a_due_row_enter_no_more_files_than_they_did() -> None:
    event, row = of_an_event(), of_a_due_row()
    assert event.files <= 29
    assert event.moves <= 117
    assert event.calls <= 110
    assert row.files <= 52
    assert row.moves <= 376
    assert row.calls <= 315
