"""Durations: how they are anchored, what they are equal to, what is refused; arithmetic is the oracle."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from cron_fields import DAY, nexts, starts, utc
from hypothesis import given, settings
from hypothesis import strategies as st

from picosched.errors import PicoschedError
from picosched.timespec.timespec import Timespec

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@every 90s", "2026-01-01T00:01:30 2026-01-01T00:03:00"),
        ("@every 1h30m", "2026-01-01T01:30 2026-01-01T03:00"),
        ("@EVERY 1 hour 30 minutes", "2026-01-01T01:30 2026-01-01T03:00"),
        ("@every 7h", "2026-01-01T07:00 2026-01-01T14:00 2026-01-01T21:00 2026-01-02T04:00"),
        ("@every 1.5h", "2026-01-01T01:30 2026-01-01T03:00"),
        ("PT90S", "2026-01-01T00:01:30 2026-01-01T00:03:00"),
        ("pt0.5m", "2026-01-01T00:00:30 2026-01-01T00:01:00"),
        ("P1DT12H", "2026-01-02T12:00 2026-01-04T00:00"),
        ("@every 2d", "2026-01-03T00:00 2026-01-05T00:00"),
        ("@every 1d", "2026-01-02T00:00 2026-01-03T00:00"),
        ("P1W", "2026-01-08T00:00 2026-01-15T00:00"),
        ("P2W", "2026-01-15T00:00 2026-01-29T00:00"),
        ("P1W3D", "2026-01-07T00:00 2026-01-17T00:00"),
        ("P1M", "2026-02-01T00:00 2026-03-01T00:00"),
        ("@every 5mo", "2026-04-01T00:00 2026-09-01T00:00 2027-02-01T00:00"),
        ("P1Y", "2027-01-01T00:00 2028-01-01T00:00"),
        ("P1Y6M", "2027-01-01T00:00 2028-07-01T00:00"),
        ("P4Y", "2030-01-01T00:00 2034-01-01T00:00"),
        ("P100Y", "2070-01-01T00:00 2170-01-01T00:00"),
    ],
)  # fmt: skip
def test_a_duration_is_anchored_in_1970(text: str, expected: str) -> None:
    wanted = [utc(each) for each in expected.split()]
    timespec = Timespec.parse(text)
    assert nexts(timespec, utc("2026-01-01"), len(wanted)) == wanted
    assert timespec.before(wanted[0] + DAY / 86_400) == wanted[0]
    assert Timespec.parse(timespec.text) == timespec


@given(seconds=st.integers(1, 10 * 86_400), start=starts)
def test_an_elapsed_duration_is_a_multiple_of_its_seconds(seconds: int, start: datetime) -> None:
    timespec = Timespec.parse(f"@every {seconds}s")
    past = int((start - EPOCH) / timedelta(seconds=1)) // seconds * seconds
    assert nexts(timespec, start, 3) == [EPOCH + timedelta(seconds=past + n * seconds) for n in (1, 2, 3)]
    last = past if EPOCH + timedelta(seconds=past) < start else past - seconds
    assert timespec.before(start) == EPOCH + timedelta(seconds=last)
    assert timespec.period() == timedelta(seconds=seconds)


@given(
    seconds=st.integers(1, 10 * 86_400), start=starts, tz=st.sampled_from(("Europe/Berlin", "Asia/Tehran"))
)
def test_an_elapsed_duration_is_the_same_in_every_zone(seconds: int, start: datetime, tz: str) -> None:
    one, other = Timespec.parse(f"@every {seconds}s"), Timespec.parse(f"@every {seconds}s", tz)
    assert nexts(one, start, 3) == nexts(other, start, 3)


@settings(deadline=None)
@given(
    days=st.integers(1, 400), start=starts, tz=st.sampled_from(("UTC", "Europe/Berlin", "America/New_York"))
)
def test_days_are_local_midnights_of_every_nth_day(days: int, start: datetime, tz: str) -> None:
    zone = ZoneInfo(tz)
    timespec = Timespec.parse(f"@every {days}d", tz)
    number = (start.astimezone(zone).date() - EPOCH.date()).days // days
    midnights = [
        datetime.combine(EPOCH.date() + (number + n) * days * DAY, datetime.min.time(), zone)
        for n in range(-1, 4)
    ]
    fires = [at.astimezone(UTC) for at in midnights]
    assert nexts(timespec, start, 2) == [at for at in fires if at > start][:2]
    assert timespec.before(start) == max(at for at in fires if at < start)
    assert timespec.period() == days * DAY


@given(months=st.integers(1, 1200), start=starts)
def test_months_are_the_firsts_of_every_nth_month(months: int, start: datetime) -> None:
    number = ((start.year - 1970) * 12 + start.month - 1) // months
    firsts = [divmod((number + n) * months, 12) for n in range(4)]
    fires = [datetime(1970 + year, month + 1, 1, tzinfo=UTC) for year, month in firsts]
    assert nexts(Timespec.parse(f"@every {months}mo"), start, 2) == [at for at in fires if at > start][:2]


@pytest.mark.parametrize("tz", ["UTC", "Etc/UTC", "GMT"])
@pytest.mark.parametrize(
    ("duration", "cron"),
    [
        ("@every 15m", "*/15 * * * *"),
        ("PT15M", "@every 900s"),
        ("@every 1h", "@hourly"),
        ("@every 2h", "0 */2 * * *"),
        ("@every 24h", "@daily"),
        ("@every 1m", "* * * * *"),
        ("@every 5s", "*/5 * * * * *"),
        ("@every 90s", "*/3 * * * * | 30 1/3 * * * *"),
        ("@every 48m", "0 */4 * * * | 48 */4 * * * | 36 1/4 * * * | 24 2/4 * * * | 12 3/4 * * *"),
        ("P1D", "@daily"),
        ("P1W", "0 0 * * THU"),
        ("P1M", "@monthly"),
        ("P3M", "0 0 1 1,4,7,10 *"),
        ("P1Y", "@yearly"),
        ("P14D", "P2W"),
    ],
)
def test_a_duration_is_equal_to_its_cron_text_where_local_time_is_utc(
    duration: str, cron: str, tz: str
) -> None:
    one, other = Timespec.parse(duration, tz), Timespec.parse(cron, tz)
    assert one == other and hash(one) == hash(other)


def test_elapsed_durations_are_no_local_times_in_a_zone() -> None:
    berlin = "Europe/Berlin"
    assert Timespec.parse("@every 24h", berlin) != Timespec.parse("@daily", berlin)
    assert Timespec.parse("@every 24h", berlin).after(utc("2026-07-01T12:00")) == utc("2026-07-02T00:00")
    assert Timespec.parse("@every 1d", berlin) == Timespec.parse("@daily", berlin)


def test_days_of_the_calendar_keep_their_midnight_over_a_clock_change() -> None:
    timespec = Timespec.parse("@every 1d", "Europe/Berlin")
    assert nexts(timespec, utc("2026-03-28"), 3) == [
        utc("2026-03-28T23:00"),
        utc("2026-03-29T22:00"),
        utc("2026-03-30T22:00"),
    ]


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("@every", "column 7: found nothing, wanted a duration such as 90s"),
        ("@every 0s", 'column 8: found "0s", wanted a duration of 1 second to'),
        ("@every -5m", 'column 8: found "-5m", wanted an ISO 8601 duration'),
        ("@every 5", 'column 8: found "5", wanted a duration such as 90s'),
        ("@every 1h 5x", 'column 12: found "x", wanted one of s m h d w mo y'),
        ("@every 100ms", 'column 11: found "ms", wanted one of'),
        ("@every 1h5h", 'column 11: found "h", wanted each unit once'),
        ("@every 0.5s", 'column 8: found "0.5s", wanted whole seconds'),
        ("@every 1.5d", 'wanted whole days, weeks, months and years'),
        ("@every 1mo2d", "wanted only months and years"),
        ("@every 101y", "wanted a duration of 1 month to 1200 months"),
        ("@every 999999999h", "wanted a duration of 1 second to"),
        ("@every 36526d", "wanted a duration of 1 day to 36525 days"),
        ("P1M1D", "wanted only months and years"),
        ("P1MT1H", "wanted only months and years"),
        ("P0D", "wanted a duration of 1 day"),
        ("PT", 'column 1: found "PT", wanted an ISO 8601 duration'),
        ("-P1D", 'column 1: found "-P1D", wanted an ISO 8601 duration'),
        ("P1D2H", 'column 1: found "P1D2H", wanted an ISO 8601 duration'),
        ("0 9 * * * | P0D", 'column 13: found "P0D", wanted a duration of 1 day'),
    ],
)  # fmt: skip
def test_what_is_no_duration_is_refused(text: str, fault: str) -> None:
    with pytest.raises(PicoschedError) as raised:
        Timespec.parse(text)
    assert raised.value.code == "invalid"
    assert fault in raised.value.message


@settings(deadline=None, max_examples=60)
@given(
    hours=st.sampled_from((1, 5, 7, 36, 100)), minutes=st.sampled_from((0, 25)), start=starts,
    tz=st.sampled_from(("UTC", "Europe/Berlin", "America/Havana", "Australia/Lord_Howe")),
    keep=st.booleans(),
)  # fmt: skip
def test_a_duration_limited_to_dates_or_without_them_fires_on_the_other_days(
    hours: int, minutes: int, start: datetime, tz: str, keep: bool
) -> None:
    zone, first = ZoneInfo(tz), start.date()
    days = {first + n * DAY for n in (1, 2, 5, 9)}
    written = ", ".join(map(str, sorted(days)))
    duration = f"@every {hours}h{minutes}m" if minutes else f"@every {hours}h"
    text = f"{duration} & ({written.replace(', ', ' | ')})" if keep else f"{duration} except {written}"
    try:
        timespec = Timespec.parse(text, tz)
    except PicoschedError as refused:
        assert keep and "never fires" in refused.message
        timespec = None
    end = start + 14 * DAY
    every = Timespec.parse(duration, tz).between(start, end)
    wanted = [at for at in every if (at.astimezone(zone).date() in days) == keep]
    assert (list(timespec.between(start, end)) if timespec else []) == wanted
    if timespec:
        backwards, at = [], timespec.before(end)
        while at is not None and at >= start:
            backwards.append(at)
            at = timespec.before(at)
        assert backwards == wanted[::-1]


def test_a_duration_cannot_be_taken_from_times_of_day() -> None:
    with pytest.raises(PicoschedError, match="every 25200 seconds, which does not divide a day"):
        Timespec.parse("0 9 * * * except @every 7h")
    with pytest.raises(PicoschedError, match="outside UTC is not a set of local times"):
        Timespec.parse("0 9 * * * except @every 2h", "Europe/Berlin")
    with pytest.raises(PicoschedError, match="from another start"):
        Timespec.parse("@every 7h & every 5 hours from 2026-03-06T09:00")


@pytest.mark.parametrize("tz", ["UTC", "Europe/Berlin"])
@pytest.mark.parametrize("taken", [False, True])
def test_a_duration_can_be_limited_to_times_of_day(tz: str, taken: bool) -> None:
    spec = Timespec.parse(f"@every 7h {'except' if taken else '&'} * 9-16 * * 1-5", tz)
    zone, start, end = ZoneInfo(tz), utc("2026-03-20"), utc("2026-06-20")

    def at_work(time: datetime) -> bool:
        there = time.astimezone(zone)
        return 9 <= there.hour <= 16 and there.isoweekday() <= 5

    wanted = [at for at in Timespec.parse("@every 7h", tz).between(start, end) if at_work(at) != taken]
    assert list(spec.between(start, end)) == wanted
    backwards, at = [], spec.before(end)
    while at is not None and at >= start:
        backwards.append(at)
        at = spec.before(at)
    assert backwards == wanted[::-1]


def test_counted_days_can_be_taken_from_others() -> None:
    left = Timespec.parse("@daily except every 3 days from 2026-03-06")
    assert [at.day for at in nexts(left, utc("2026-03-04"), 6)] == [5, 7, 8, 10, 11, 13]
    assert left | Timespec.parse("every 3 days from 2026-03-06 at 00:00") == Timespec.parse("@daily")
    assert Timespec.parse("P3D except P2D") == Timespec.parse("P3D except P6D")
    with pytest.raises(PicoschedError, match="never fires"):
        Timespec.parse("P6D except P3D")


def test_durations_that_go_into_each_other_can_be_combined() -> None:
    assert Timespec.parse("@every 7h & @every 5h") == Timespec.parse("@every 35h")
    assert Timespec.parse("P2D & P3D") == Timespec.parse("P6D")
    assert Timespec.parse("P2D & P1W") == Timespec.parse("P2W") != Timespec.parse("P49D")
    assert Timespec.parse("P49D & P1W") == Timespec.parse("P7W")
    assert Timespec.parse("@every 7h | @every 14h") == Timespec.parse("@every 7h")
    assert Timespec.parse("0 * * * * | @every 7h") == Timespec.parse("@hourly")
    assert Timespec.parse("P4D | P2D") == Timespec.parse("P2D") != Timespec.parse("P4D")
    assert Timespec.parse("@every 2h except 0 */4 * * *") == Timespec.parse("0 2/4 * * *")
    with pytest.raises(PicoschedError, match="never fires"):
        Timespec.parse("@every 14h except @every 7h")


def test_a_duration_that_misses_its_dates_never_fires() -> None:
    with pytest.raises(PicoschedError, match="never fires"):
        Timespec.parse("@every 100h & 2026-01-02")
    with pytest.raises(PicoschedError, match="never fires"):
        Timespec.parse("P1000D & 2026-01-02..2026-01-05")
    assert Timespec.parse("P2D & 2026-01-02..2026-01-05") == Timespec.parse(
        "2026-01-03T00:00 | 2026-01-05T00:00"
    )
