"""Long lists, a page at a time, against the list as a whole."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from picosched.schedule.filter import Filter
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Outcome, Scheduled, Status
from picosched.store.pages import LATENESS_MS
from picosched.store.store import Store

START = datetime(2026, 3, 1, tzinfo=UTC)


def row(number: int, due: int | None, status: Status) -> Scheduled:
    time = None if due is None else START + timedelta(seconds=due)
    return Scheduled(
        f"id{number}", f"pico{number % 2}", "rid", "a", "b", {}, "at", time, START, status=status
    )


COMING = (Status.PENDING, Status.PAUSED)
rows = st.lists(
    st.one_of(
        st.tuples(st.integers(-(10**9), 10**9) | st.integers(0, 3), st.sampled_from(COMING)),
        st.tuples(st.none(), st.sampled_from([Status.FINISHED, Status.CANCELLED])),
    ),
    max_size=30,
)


def all_of(read: Any, limit: int) -> list[Any]:
    items: list[Any] = []
    after = None
    while True:
        page = read(after, limit)
        assert len(page.items) <= limit
        items += page.items
        if page.next is None:
            return items
        assert len(page.items) == limit
        after = page.next


@pytest.mark.slow
@settings(deadline=None)
@given(rows, st.integers(1, 7), st.sets(st.sampled_from([*Status])), st.sampled_from([None, "pico1"]))
def test_pages_of_what_is_scheduled_are_the_list_in_its_order(
    made: list[tuple[int | None, Status]], limit: int, status: set[Status], pico: str | None
) -> None:
    store = Store()
    scheduled = [row(number, due, status) for number, (due, status) in enumerate(made)]
    with store.transaction():
        for each in scheduled:
            store.agenda.add(each)
    which = replace(Filter(), status=tuple(status), pico_id=pico)
    wanted = [
        each
        for each in scheduled
        if (not status or each.status in status) and (pico is None or each.pico_id == pico)
    ]
    wanted.sort(key=lambda each: (each.due is None, each.due or START))
    assert all_of(lambda after, n: store.pages.scheduled(which, after, n), limit) == wanted
    store.close()


@pytest.mark.slow
@settings(deadline=None)
@given(
    st.lists(st.tuples(st.integers(-5_000, 4_000_000), st.sampled_from([*Outcome])), max_size=20),
    st.integers(0, 20),
)
def test_fires_are_counted_by_how_late_they_were(fires: list[tuple[int, Outcome]], behind: int) -> None:
    store = Store()
    with store.transaction():
        for number, (late, outcome) in enumerate(fires):
            fired = START + timedelta(milliseconds=late)
            store.agenda.record(Fire(f"id{number}", "pico", START, fired, outcome))
    counted = {each.outcome: each for each in store.pages.lateness(behind, store.pages.last_fire())}
    later = fires[behind:]
    assert set(counted) == {outcome.value for _, outcome in later}
    for outcome, each in counted.items():
        own = [late for late, found in later if found.value == outcome]
        assert (each.count, each.sum_ms) == (len(own), sum(max(late, 0) for late in own))
        assert each.within == tuple(sum(late <= bound for late in own) for bound in LATENESS_MS)
    assert [place for place, _ in store.pages.fires_since(behind, 100)] == [
        *range(behind + 1, len(fires) + 1)
    ]
    assert all_of(lambda after, n: store.pages.fires(after, n), 3) == store.agenda.fires(limit=100)
    store.close()
