"""The picture below `picosched next`: what is drawn, when which kind is, and that it shows what fires."""

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from picosched.cli.picture import MOST, picture
from picosched.timespec.timespec import Timespec

pytestmark = pytest.mark.files

FRIDAY = "2026-03-06T12:00:00Z"

PICTURES = [
    (
        "0 9 * * 1-5",
        "UTC",
        """\
     0      6      12     18
Mon  ······ ···█·· ······ ······
Tue  ······ ···█·· ······ ······
Wed  ······ ···█·· ······ ······
Thu  ······ ···█·· ······ ······
Fri  ······ ···█·· ······ ······
Sat  ······ ······ ······ ······
Sun  ······ ······ ······ ······
fires in an hour of the coming week: █ 1
""",
    ),
    (  # on Sunday clocks go from 2:00 to 3:00; that the week ends in summer time moves nothing
        "*/10 2-4,12,22 * * *",
        "Europe/Berlin from 2026-03-24T11:35:00Z",
        """\
     0      6      12     18
Mon  ··███· ······ █····· ····█·
Tue  ··███· ······ █····· ····█·
Wed  ··███· ······ █····· ····█·
Thu  ··███· ······ █····· ····█·
Fri  ··███· ······ █····· ····█·
Sat  ··███· ······ █····· ····█·
Sun  ···██· ······ █····· ····█·
fires in an hour of the coming week: █ 6
""",
    ),
    (  # fixed times fire once in the hour that comes twice
        "0,20,40 0-3 * * *",
        "Europe/Berlin from 2026-10-20",
        """\
     0      6      12     18
Mon  ████·· ······ ······ ······
Tue  ████·· ······ ······ ······
Wed  ████·· ······ ······ ······
Thu  ████·· ······ ······ ······
Fri  ████·· ······ ······ ······
Sat  ████·· ······ ······ ······
Sun  ████·· ······ ······ ······
fires in an hour of the coming week: █ 3
""",
    ),
    (  # others twice; the marks are in proportion to the most
        "*/20 0-3 * * *",
        "Europe/Berlin from 2026-10-20 as week",
        """\
     0      6      12     18
Mon  ▒▒▒▒·· ······ ······ ······
Tue  ▒▒▒▒·· ······ ······ ······
Wed  ▒▒▒▒·· ······ ······ ······
Thu  ▒▒▒▒·· ······ ······ ······
Fri  ▒▒▒▒·· ······ ······ ······
Sat  ▒▒▒▒·· ······ ······ ······
Sun  ▒▒█▒·· ······ ······ ······
fires in an hour of the coming week: ▒ 3  █ 6
""",
    ),
    (
        "* * * * * *",
        "UTC",
        """\
     0      6      12     18
Mon  ██████ ██████ ██████ ██████
Tue  ██████ ██████ ██████ ██████
Wed  ██████ ██████ ██████ ██████
Thu  ██████ ██████ ██████ ██████
Fri  ██████ ██████ ██████ ██████
Sat  ██████ ██████ ██████ ██████
Sun  ██████ ██████ ██████ ██████
fires in an hour of the coming week: █ more than 60
""",
    ),
    (
        "0 18 1,15 * *",
        "UTC",
        """\
          1        10        20        30
Mar 2026       ·········█················
Apr 2026  █·············█···············
May 2026  █·············█················
Jun 2026  █·············█···············
Jul 2026  █·············█················
Aug 2026  █·············█················
Sep 2026  █·············█···············
Oct 2026  █·············█················
Nov 2026  █·············█···············
Dec 2026  █·············█················
Jan 2027  █·············█················
Feb 2027  █·············█·············
█ fires on that day: 23 days until 2027-02-28
""",
    ),
    (  # on 2027-03-28 there is no 2:30, and so a hole in the year
        "*/30 2 * * *",
        "Europe/Berlin from 2026-12-30",
        """\
          1        10        20        30
Dec 2026                               ██
Jan 2027  ███████████████████████████████
Feb 2027  ████████████████████████████
Mar 2027  ███████████████████████████·███
Apr 2027  ██████████████████████████████
May 2027  ███████████████████████████████
Jun 2027  ██████████████████████████████
Jul 2027  ███████████████████████████████
Aug 2027  ███████████████████████████████
Sep 2027  ██████████████████████████████
Oct 2027  ███████████████████████████████
Nov 2027  ██████████████████████████████
█ fires on that day: 335 days until 2027-11-30
""",
    ),
    (
        "0 0 25 12 *",
        "Pacific/Auckland from 9999-11-30",
        """\
          1        10        20        30
Nov 9999                               ·
Dec 9999  ························█······
█ fires on that day: 1 day until 9999-12-31
""",
    ),
    ("0 0 29 2 *", "UTC", "no fire until 2027-02-28\n"),
    ("0 0 29 2 *", "UTC as week", "no fire in the coming week\n"),
]


@pytest.mark.parametrize(("timespec", "seen", "drawn"), PICTURES)
def test_a_timespec_is_drawn_below_its_times(run: Any, timespec: str, seen: str, drawn: str) -> None:
    tz, *words = seen.split()
    said = dict(zip(words[::2], words[1::2], strict=True))
    options = ["--picture", said["as"]] if "as" in said else []
    result = run("next", timespec, "--tz", tz, "--from", said.get("from", FRIDAY), "-n", "1", *options)
    above, blank, below = result.out.partition("\n\n")
    assert above.startswith(Timespec.parse(timespec, tz).explain())
    assert blank
    assert below == drawn


WEEKS = [
    "@every 90s",
    "@every 1s & * 9-16 * * 1-5",
    "30 6 * * 0,3 | 0 12 * * 6",
    "@hourly",
    "*/5 * * * *",
    "0 9 * * *",
    "30 6 * * 6",
    "0 0,12 * * 1-5",
    "0 0 0 * * 0",
]
YEARS = [
    "0 9 * * 1#1",
    "0 9 LW * *",
    "last day of month",
    "@every 36h",
    "0 9 * * * except 2026-12-25",
    "@monthly",
    "@yearly",
    "0 9 * 6-8 *",
    "0 9 1 * 1",
    "*/10 * 1 * *",
    "0 0 0 1 1 * 2027",
]


@pytest.mark.parametrize("timespec", WEEKS)
def test_what_every_week_has_alike_is_drawn_as_a_week(run: Any, timespec: str) -> None:
    assert "\nMon  " in run("next", timespec, "--from", "2026-03-06T23:59:59Z").out


@pytest.mark.parametrize("timespec", YEARS)
def test_all_else_is_drawn_as_a_year(run: Any, timespec: str) -> None:
    assert "\nMar 2026  " in run("next", timespec, "--from", FRIDAY).out


def test_the_kind_can_be_chosen(run: Any) -> None:
    def drawn(kind: str) -> str:
        return str(run("next", "0 9 * * *", "--from", FRIDAY, "--picture", kind).out)

    assert "\nMon  " in drawn("week")
    assert "\nMar 2026  " in drawn("year")
    assert drawn("none").splitlines()[-1] == "  2026-03-11T09:00:00Z  Wed"
    assert run("next", "0 9 * * *", "--picture", "decade").status == 2


def test_a_terminal_without_the_marks_gets_plain_ones(picosched: Any) -> None:
    result = picosched("next", "*/30 0-8 * * *", "--from", FRIDAY, PYTHONIOENCODING="ascii")
    assert result.out.isascii()
    assert result.out.splitlines()[-8:] == [
        *(f"{day}  ###### ###... ...... ......" for day in "Mon Tue Wed Thu Fri Sat Sun".split()),
        "fires in an hour of the coming week: # 2",
    ]


def test_a_picture_has_no_colour(picosched: Any) -> None:
    plain = picosched("next", "@daily", "--from", FRIDAY)
    assert picosched("next", "@daily", "--from", FRIDAY, FORCE_COLOR="1").out == plain.out


# ---- against counting every fire ------------------------------------------------------------------

ZONES = ["UTC", "Europe/Berlin", "America/New_York", "Asia/Kathmandu", "Australia/Lord_Howe", "Africa/Cairo"]
MINUTES = ["0", "*/7", "59", "0,30", "5-9"]
HOURS = ["*", "0", "1-3", "*/5", "23"]
WEEKDAYS = ["*", "1-5", "0", "6"]

starts = st.datetimes(
    datetime(2026, 1, 1), datetime(2028, 1, 1), timezones=st.just(UTC), allow_imaginary=False
)


@given(
    st.sampled_from(MINUTES),
    st.sampled_from(HOURS),
    st.sampled_from(WEEKDAYS),
    st.sampled_from(ZONES),
    starts,
)
@pytest.mark.slow
@pytest.mark.slow
def test_each_hour_of_the_week_has_the_mark_of_its_fires(
    minute: str, hour: str, weekday: str, tz: str, since: datetime
) -> None:
    timespec = Timespec.parse(f"{minute} {hour} * * {weekday}", tz)
    zone = ZoneInfo(tz)
    end = (since.astimezone(zone) + timedelta(days=7)).astimezone(UTC)
    fires = [
        fire.astimezone(zone)
        for fire in timespec.between(since, end + timedelta(seconds=1))
        if since < fire <= end
    ]
    counts = Counter((fire.weekday(), fire.hour) for fire in fires)
    most = max(counts.values(), default=1)
    _, *rows, _ = picture(timespec, since, "week")
    for weekday_, row in enumerate(rows):
        marks = row[5:].replace(" ", "")
        for hour_, mark in enumerate(marks):
            count = counts[weekday_, hour_]
            assert "·░▒▓█".index(mark) == (0 if count == 0 else 1 + (4 * count - 1) // most), (row, hour_)
    assert most <= MOST


@given(st.sampled_from(["0 0", "30 2", "59 23"]), st.integers(1, 31), st.sampled_from(ZONES), starts)
def test_each_day_of_the_year_is_marked_if_it_fires(time: str, day: int, tz: str, since: datetime) -> None:
    timespec = Timespec.parse(f"{time} {day},7-9 * *", tz)
    zone = ZoneInfo(tz)
    days = {
        fire.astimezone(zone).date()
        for fire in timespec.between(since, since + timedelta(400))
        if fire > since
    }
    _, *rows, legend = picture(timespec, since, "year")
    marked = set()
    for row in rows:
        month = datetime.strptime(row[:8], "%b %Y").date()
        marked |= {month + timedelta(place) for place, mark in enumerate(row[10:]) if mark == "█"}
    last = date.fromisoformat(legend.split()[-1])
    assert len(rows) == 12
    assert (last + timedelta(1)).replace(day=1) == last + timedelta(1)
    assert marked == {each for each in days if each <= last}
    assert f" {len(marked)} days until " in legend
