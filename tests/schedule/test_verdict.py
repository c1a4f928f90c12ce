"""What a timespec says of a time that is none of its times, compared with what its fields are."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picosched.clock import parse_time
from picosched.timespec.timespec import Timespec
from picosched.timespec.verdict import local_shown, verdict

ROME = "Europe/Rome"


@pytest.mark.parametrize(
    ("text", "tz", "time", "told"),
    [
        (
            "30 9 * * 1-5",
            ROME,
            "2026-03-01T08:30:00Z",
            "hour 9 and minute 30 match; Sunday does not (Monday to Friday)",
        ),
        (
            "*/10 9-17 * * *",
            "UTC",
            "2026-03-01T18:05:00Z",
            "hour 18 does not (9 to 17) and minute 5 does not (0, 10, 20 … 50)",
        ),
        (
            "0 9 29 2 *",
            "UTC",
            "2026-03-02T09:00:00Z",
            "hour 9 and minute 0 match; the year 2026 does not (it has none of its days)",
        ),
        (
            "0 9 L * *",
            "UTC",
            "2026-03-30T09:00:00Z",
            "the day 30, hour 9 and minute 0 match; the day 2026-03-30 does not (the next is 2026-03-31)",
        ),
        ("9:15, 10:45", "UTC", "2026-03-30T09:45:00Z", "09:45 does not (09:15 or 10:45)"),
        (
            "0 9 * * 1 | 0 12 * * 2",
            "UTC",
            "2026-03-02T12:00:00Z",
            "of its 2 sets of times the nearest: Monday and minute 0 match; hour 12 does not (9)",
        ),
        (
            "30 2 * * *",
            ROME,
            "2026-10-25T01:30:00Z",
            "hour 2 and minute 30 match; the hour does not (it comes twice, and counts the first time)",
        ),
        (
            "every 7 seconds",
            "UTC",
            "2026-03-30T09:00:01Z",
            "the number of seconds since its start does not (every 7 seconds from its start)",
        ),
        ("0 0 0 * * *", "UTC", "2026-03-30T00:00:01Z", "hour 0 and minute 0 match; second 1 does not (0)"),
        (
            "0 9 1 6 *",
            "UTC",
            "2026-03-01T09:00:00Z",
            "the day 1, hour 9 and minute 0 match; March does not (June)",
        ),
    ],
)
def test_each_field_matches_or_says_what_would(text: str, tz: str, time: str, told: str) -> None:
    timespec = Timespec.parse(text, tz)
    assert timespec.after(parse_time(time) - timedelta(seconds=1)) != parse_time(time)
    assert verdict(timespec, parse_time(time)) == told


@pytest.mark.parametrize(
    ("time", "tz", "shown"),
    [
        ("2026-03-02T09:00:00Z", "UTC", "Monday 2026-03-02 09:00:00 in UTC"),
        ("2026-07-02T09:00:00Z", ROME, "Thursday 2026-07-02 11:00:00 in Europe/Rome (UTC+02:00)"),
        (
            "2026-03-29T10:00:00Z",
            ROME,
            "Sunday 2026-03-29 12:00:00 in Europe/Rome (UTC+02:00), where the clocks go from 02:00 to 03:00",
        ),
        (
            "2026-10-24T23:00:00Z",
            ROME,
            "Sunday 2026-10-25 01:00:00 in Europe/Rome (UTC+02:00), where the clocks go from 03:00 to 02:00",
        ),
    ],
)
def test_a_local_time_is_shown_with_its_offset_and_the_clock_change_of_its_day(
    time: str, tz: str, shown: str
) -> None:
    assert local_shown(parse_time(time), tz) == shown


SETS = {
    "minute": st.sets(st.integers(0, 59), min_size=1, max_size=5),
    "hour": st.sets(st.integers(0, 23), min_size=1, max_size=5),
    "weekday": st.sets(st.integers(1, 7), min_size=1, max_size=6),
}
TIMES = st.datetimes(datetime(2025, 1, 1), datetime(2027, 1, 1))


@given(**SETS, time=TIMES)
def test_a_field_matches_exactly_if_its_set_has_its_value(
    minute: set[int], hour: set[int], weekday: set[int], time: datetime
) -> None:
    time = time.replace(second=0, microsecond=0, tzinfo=UTC)
    wanted = ",".join(map(str, minute)), ",".join(map(str, hour)), ",".join(str(n % 7) for n in weekday)
    told = verdict(Timespec.parse(f"{wanted[0]} {wanted[1]} * * {wanted[2]}"), time)
    match = told.split(" match")[0] if " match" in told else ""
    for name, some, value in (
        (f"minute {time.minute}", minute, time.minute),
        (f"hour {time.hour}", hour, time.hour),
        (f"{time:%A}", weekday, time.isoweekday()),
    ):
        assert (name in match) == (value in some) != (f"{name} does not" in told)
