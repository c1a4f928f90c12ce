"""Ending all that a ruleset or a pico has to come is ending each of them, only at once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picosched.schedule.changed import ended
from picosched.schedule.fire import FIRE
from picosched.schedule.scheduled import SCHEDULED, Scheduled, Status
from picosched.store.store import Store

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
TIMES = st.integers(-5, 5).map(lambda hours: NOW + timedelta(hours=hours))


@st.composite
def made(draw: st.DrawFn) -> Scheduled:
    status = draw(st.sampled_from(Status))
    live = status in (Status.PENDING, Status.PAUSED)
    return Scheduled(
        id=draw(st.uuids()).hex,
        pico_id=draw(st.sampled_from("pq")),
        rid=draw(st.sampled_from(["tea", "bell"])),
        domain="a",
        type="b",
        attrs={},
        kind=draw(st.sampled_from(["at", "repeat", "window", "send", "proc"])),
        due=draw(TIMES) if live else None,
        created=NOW,
        timespec="0 9 * * *",
        name="n",
        status=status,
        paused_until=draw(st.none() | TIMES) if status is Status.PAUSED else None,
        moved_from=draw(st.none() | TIMES) if live else None,
    )


@contextmanager
def store_of(all: list[Scheduled]) -> Iterator[Store]:
    store = Store()
    try:
        with store.transaction():
            for row in all:
                store.agenda.add(row)
        yield store
    finally:
        store.close()


def told(store: Store) -> tuple[list[object], list[object]]:
    """All rows and all records."""
    read = store._database.ask
    return (
        [*read(f"SELECT {', '.join(SCHEDULED.columns)} FROM scheduled ORDER BY id")],
        [*read(f"SELECT {', '.join(FIRE.columns)} FROM fire ORDER BY scheduled")],
    )


@settings(max_examples=25, deadline=None)
@given(st.lists(made(), max_size=8), st.sampled_from(["tea", None]))
@pytest.mark.slow
def test_ending_all_at_once_is_ending_each(all: list[Scheduled], rid: str | None) -> None:
    with store_of(all) as at_once, store_of(all) as each:
        with at_once.transaction():
            count = at_once.agenda.cancel_all("p", rid, NOW, "it was uninstalled")
        meant = [row for row in all if row.pico_id == "p" and rid in (row.rid, None)]
        steps = [step for row in meant if (step := ended(row, NOW, reason="it was uninstalled")) is not None]
        with each.transaction():
            for step in steps:
                each.agenda.take(step, NOW)
        assert count == len(steps)
        assert told(at_once) == told(each)


def test_ending_a_hundred_thousand_takes_as_many_statements_as_ending_one() -> None:
    counted: list[list[str]] = []
    for number in (1, 100):
        one = Scheduled("", "p", "tea", "a", "b", {}, "at", NOW, NOW)
        with store_of([replace(one, id=f"{n}") for n in range(number)]) as store:
            counted.append([])
            store._database._connection.set_trace_callback(counted[-1].append)
            with store.transaction():
                assert store.agenda.cancel_all("p", "tea", NOW, "it was uninstalled") == number
    # A trigger is traced as its statement once more for each row.
    assert len({*counted[0]}) == len({*counted[1]})


@pytest.mark.parametrize("rid", ["tea", None])
def test_a_row_whose_occurrence_is_on_record_can_be_ended_all_the_same(rid: str | None) -> None:
    row = Scheduled("r", "p", "tea", "a", "b", {}, "at", NOW, NOW)
    with store_of([row]) as store:
        with store.transaction():
            step = ended(row, NOW)
            assert step is not None and step[1] is not None
            store.agenda.record(step[1])
        with store.transaction():
            assert store.agenda.cancel_all("p", rid, NOW, "it was uninstalled") == 1
