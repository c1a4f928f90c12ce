"""Windows: open and closed as a walk over every opening and closing has it, and the edges between."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import takewhile

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from picosched.clock import format_time, parse_time
from picosched.errors import PicoschedError
from picosched.schedule.window import Edge, Window, of_table, read_window
from picosched.timespec.timespec import Timespec

START = datetime(2026, 1, 1, tzinfo=UTC)
EARLIER = START - timedelta(days=400)
"""Walks begin here: some windows open once a year, in the hour that the clocks there skip."""

minutes = st.sampled_from(["0", "30", "*/20", "5,35"])
hours = st.sampled_from(["8", "18", "0", "2", "3", "*/6", "1-4"])
days = st.sampled_from(["*", "1-5", "0,6", "0", "3"])
specs = st.tuples(minutes, hours, st.just("* *"), days).map(" ".join)
zones = st.sampled_from(["UTC", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe"])
windows = st.tuples(specs, specs, zones).map(lambda parts: Window.parse("w", *parts))
times = st.timedeltas(timedelta(0), timedelta(days=60)).map(lambda later: START + later)
dst = st.sampled_from(["2026-03-29", "2026-10-25", "2026-03-08", "2026-11-01", "2026-04-05", "2026-10-04"])
at_changes = st.tuples(dst, st.integers(-600, 1_800)).map(
    lambda found: parse_time(found[0]) + timedelta(minutes=found[1])
)
"""Around the days on which clocks are changed."""


SKIPPED_HOUR = Window.parse("w", "0 2 * * *", "*/20 2 * * *", "Europe/Berlin")
"""Both come at two, so it stays closed; on the day without that hour only the opening comes, at three."""


def walked(window: Window, until: datetime) -> list[Edge]:
    """The changes from EARLIER to `until`, by looking at every opening and closing in order."""
    past = until + timedelta(microseconds=1)
    closing = set(window.closes.between(EARLIER, past))
    edges: list[Edge] = []
    is_open: bool | None = None
    for time in sorted(closing | set(window.opens.between(EARLIER, past))):
        opens = time not in closing
        if is_open is None and not opens:
            is_open = False
        if opens != bool(is_open):
            edges.append(Edge(time, opens))
            is_open = opens
    return edges


@pytest.mark.slow
@settings(max_examples=150, deadline=None)
@given(window=windows, time=st.one_of(times, at_changes))
@example(window=SKIPPED_HOUR, time=parse_time("2026-02-01"))  # it was last open ten months before
@example(window=SKIPPED_HOUR, time=parse_time("2026-03-29T01:30:00Z"))
@example(window=SKIPPED_HOUR, time=parse_time("2026-10-25T01:30:00Z"))
def test_it_is_open_if_the_last_change_of_a_walk_opened_it(window: Window, time: datetime) -> None:
    edges = walked(window, time)
    assert window.open_at(time) == bool(edges and edges[-1].opens)
    assert window.last_edge(time) == (edges[-1] if edges else None)


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(window=windows, time=st.one_of(times, at_changes))
def test_edges_to_come_are_those_of_a_walk(window: Window, time: datetime) -> None:
    until = time + timedelta(days=8)
    wanted = walked(window, until)[len(walked(window, time)) :]
    assert [*takewhile(lambda edge: edge.at <= until, window.edges(time))] == wanted


@pytest.mark.slow
@settings(max_examples=100, deadline=None)
@given(window=windows, time=times)
def test_next_opening_and_closing_are_the_first_of_the_edges_to_come(window: Window, time: datetime) -> None:
    edges = [edge for edge, _ in zip(window.edges(time), range(2), strict=False)]
    assert window.next_opening(time) == next((edge.at for edge in edges if edge.opens), None)
    assert window.next_closing(time) == next((edge.at for edge in edges if not edge.opens), None)


BUSINESS = Window.parse("pager", "0 8 * * 1-5", "0 18 * * 1-5", "Europe/Berlin")


@pytest.mark.parametrize(
    ("time", "is_open", "last", "next"),
    [
        ("2026-03-02T06:59:59Z", False, "closed 2026-02-27T17:00:00Z", "opened 2026-03-02T07:00:00Z"),
        ("2026-03-02T07:00:00Z", True, "opened 2026-03-02T07:00:00Z", "closed 2026-03-02T17:00:00Z"),
        ("2026-03-02T17:00:00Z", False, "closed 2026-03-02T17:00:00Z", "opened 2026-03-03T07:00:00Z"),
        # The weekend on which the clocks there go forward.
        ("2026-03-28T12:00:00Z", False, "closed 2026-03-27T17:00:00Z", "opened 2026-03-30T06:00:00Z"),
    ],
)
def test_it_is_open_from_its_opening_up_to_and_without_its_closing(
    time: str, is_open: bool, last: str, next: str
) -> None:
    def told(edge: Edge | None) -> str:
        assert edge is not None
        return f"{edge.type} {format_time(edge.at)}"

    now = parse_time(time)
    assert BUSINESS.open_at(now) is is_open
    assert (told(BUSINESS.last_edge(now)), told(BUSINESS.next_edge(now))) == (last, next)


def test_an_opening_while_it_is_open_is_no_edge() -> None:
    window = Window.parse("w", "0 8-17 * * *", "0 18 * * *")
    edges = window.edges(parse_time("2026-03-01"))
    assert [(format_time(edge.at)[11:16], edge.opens) for edge, _ in zip(edges, range(4), strict=False)] == [
        ("08:00", True),
        ("18:00", False),
        ("08:00", True),
        ("18:00", False),
    ]


def test_where_both_come_at_one_instant_it_closes() -> None:
    window = Window.parse("w", "0 22 * * *", "0 22 * * 5")  # 2026-03-06 is a Friday
    assert window.open_at(parse_time("2026-03-06T21:59:00Z"))
    assert window.next_edge(parse_time("2026-03-06")) == Edge(parse_time("2026-03-06T22:00:00Z"), False)
    assert not window.open_at(parse_time("2026-03-07T21:00:00Z"))
    assert window.next_edge(parse_time("2026-03-07")) == Edge(parse_time("2026-03-07T22:00:00Z"), True)


def test_before_its_first_opening_it_is_closed_and_nothing_has_been() -> None:
    window = Window.parse("w", "2026-03-01T08:00", "2026-03-01T18:00")
    before, after = parse_time("2026-02-01"), parse_time("2027-01-01")
    assert (window.open_at(before), window.last_edge(before)) == (False, None)
    assert window.next_edge(after) is None
    assert window.last_edge(after) == Edge(parse_time("2026-03-01T18:00:00Z"), False)


@pytest.mark.parametrize(
    ("opens", "closes", "never_opens", "never_closes"),
    [
        ("0 8 * * *", "0 18 * * *", False, False),
        ("0 8 * * *", "0 8 * * *", True, False),
        ("0 8 * * 1", "0 8 * * *", True, False),
        ("2026-03-01T08:00", "2026-02-01T08:00", False, True),
    ],
)
def test_what_never_opens_or_never_closes_is_known(
    opens: str, closes: str, never_opens: bool, never_closes: bool
) -> None:
    window = Window.parse("w", opens, closes)
    assert (window.never_opens, window.never_closes) == (never_opens, never_closes)
    if never_opens:
        assert window.next_edge(START) is None and window.last_edge(START) is None


def test_its_text_makes_it_again() -> None:
    window = Window.parse("w", {"hours": [8]}, "0 18 * * *", "Europe/Berlin")
    assert read_window("w", window.text, window.tz) == window
    assert [*zip(window.edges(START), range(2), strict=False)]


def test_the_ends_of_time_are_no_fault() -> None:
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert not BUSINESS.open_at(first)
    assert BUSINESS.next_edge(last) is None and BUSINESS.last_edge(last) is not None


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("0 8 * * *", "window w: found 0 8 * * *, wanted a table with from, to and optionally in"),
        ({"from": "0 8 * * *"}, "wanted a table with from, to and optionally in"),
        ({"from": "0 8 * * *", "to": "0 9 * * *", "zone": "UTC"}, "wanted a table with from, to"),
        ({"from": "0 25 * * *", "to": "0 9 * * *"}, "window w: timespec"),
        ({"from": "0 8 * * *", "to": "0 9 * * *", "in": "Mars"}, "window w: "),
        ({"from": "0 8 * * *", "to": "0 8 * * *"}, "opens and does not close"),
    ],
)
def test_a_table_that_is_no_window_is_refused(table: object, message: str) -> None:
    with pytest.raises(PicoschedError) as caught:
        of_table("w", table)
    assert message in caught.value.message


def test_a_table_writes_a_window() -> None:
    assert of_table("pager", {"from": "0 8 * * 1-5", "to": "0 18 * * 1-5", "in": "Europe/Berlin"}) == BUSINESS
    assert Timespec.parse("0 8 * * 1-5", "Europe/Berlin") == BUSINESS.opens
