"""Times of the sun, against where it stands at each minute, and those that `astral` gives for a date."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import islice, pairwise
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from astral import Observer
from astral.sun import dawn, dusk, elevation, sunrise, sunset
from hypothesis import example, given, settings
from hypothesis import strategies as st

from picosched.errors import PicoschedError
from picosched.settings import load_settings
from picosched.timespec.sun import _event
from picosched.timespec.timespec import Timespec

PLACES: dict[str, dict[str, Any]] = {
    "Berlin": {"lat": 52.52, "lon": 13.40, "zone": "Europe/Berlin"},
    "Tromsø": {"lat": 69.65, "lon": 18.96, "zone": "Europe/Oslo"},
    "Dhaka": {"lat": 23.81, "lon": 90.41, "zone": "Asia/Dhaka"},
    "Auckland": {"lat": -36.85, "lon": 174.76, "zone": "Pacific/Auckland"},
    "Kiritimati": {"lat": 1.87, "lon": -157.40, "zone": "Pacific/Kiritimati"},
    "Pole": {"lat": 90, "lon": 0, "zone": "UTC"},
}
ALMANAC = load_settings(None, {}, places=PLACES, business_days="DE-BY").almanac
EVENTS = {"sunrise": sunrise, "sunset": sunset, "dawn": dawn, "dusk": dusk}
DAY, MINUTE = timedelta(days=1), timedelta(minutes=1)

mild = st.sampled_from(["Berlin", "Dhaka", "Auckland", "Kiritimati"])
events = st.sampled_from([*EVENTS])


def spec(text: str, tz: str = "UTC") -> Timespec:
    return Timespec.parse(text, tz, ALMANAC)


def observer(place: str) -> Observer:
    return Observer(PLACES[place]["lat"], PLACES[place]["lon"])


def zone(place: str) -> ZoneInfo:
    return ZoneInfo(PLACES[place]["zone"])


def midnight(day: date, place: str) -> datetime:
    return datetime.combine(day, datetime.min.time(), zone(place)).astimezone(UTC)


# Not in Dhaka, where the sun rises at about midnight in UTC: there `astral` finds no time on some dates.
@given(
    st.sampled_from(["Berlin", "Auckland", "Kiritimati"]),
    events,
    st.dates(date(1900, 1, 1), date(2200, 1, 1)),
)
@settings(max_examples=150)
def test_each_local_day_has_the_time_that_is_given_for_its_date(place: str, event: str, day: date) -> None:
    wanted = EVENTS[event](observer(place), day, tzinfo=zone(place))
    start = midnight(day, place)
    (found,) = spec(f'{event} at "{place}"').between(start, midnight(day + DAY, place))
    assert abs(found - wanted) < timedelta(seconds=10)


@given(
    st.sampled_from([*PLACES]),
    st.sampled_from(["sunrise", "sunset"]),
    st.dates(date(2020, 1, 1), date(2030, 1, 1)),
)
@example("Dhaka", "sunrise", date(2026, 10, 30))
@example("Tromsø", "sunset", date(2026, 5, 16))
@example("Tromsø", "sunset", date(2026, 7, 24))
@example("Tromsø", "sunrise", date(2026, 11, 25))
@settings(max_examples=40, deadline=None)
def test_the_sun_crosses_the_horizon_at_these_times_and_at_no_others(
    place: str, event: str, day: date
) -> None:
    """It is looked at every minute of three days, and its elevation is known to a small part of a degree."""
    if place == "Pole":
        return
    start = midnight(day, place)
    heights = [elevation(observer(place), start + n * MINUTE, False) for n in range(3 * 1_440)]
    edge, doubt = -0.8333, 0.12
    days = [heights[n : n + 1_440] for n in range(0, len(heights), 1_440)]
    if any(abs(extreme(each) - edge) < doubt for each in days for extreme in (max, min)):
        return  # too close to tell whether it rises on that day
    rising = event == "sunrise"
    crossed = [
        start + n * MINUTE
        for n, (before, after) in enumerate(pairwise(heights))
        if (before < edge <= after if rising else after < edge <= before)
    ]
    found = [*spec(f'{event} at "{place}"').between(start + 30 * MINUTE, start + 3 * DAY - 30 * MINUTE)]
    crossed = [each for each in crossed if start + 30 * MINUTE <= each < start + 3 * DAY - 30 * MINUTE]
    slow = 40 if place == "Tromsø" else 3  # minutes: there it moves along the horizon
    assert len(found) == len(crossed)
    assert all(abs(one - other) < slow * MINUTE for one, other in zip(found, crossed, strict=True))


SET_GAPS = {(date(2026, 5, 16), date(2026, 5, 18)), (date(2026, 5, 18), date(2026, 7, 27))}
"""The last before the midnight sun comes after midnight, and so on the day after."""


@pytest.mark.parametrize("event", EVENTS)
def test_where_it_rises_at_midnight_in_utc_each_day_has_one_time_too(event: str) -> None:
    for year in range(2020, 2030):
        days = days_with(f'{event} at "Dhaka"', "Dhaka", year)
        assert days == [date(year, 1, 1) + n * DAY for n in range(len(days))]
        assert days[-1] == date(year, 12, 31)


def days_with(text: str, place: str, year: int) -> list[date]:
    start, end = midnight(date(year, 1, 1), place), midnight(date(year + 1, 1, 1), place)
    return [each.astimezone(zone(place)).date() for each in spec(text).between(start, end)]


def test_where_the_sun_does_not_rise_there_is_no_occurrence() -> None:
    """Tromsø has polar night from the end of November, and midnight sun from the middle of May."""
    rises = days_with('sunrise at "Tromsø"', "Tromsø", 2026)
    gaps = {(one, other) for one, other in pairwise(rises) if other - one > DAY}
    assert rises[0] == date(2026, 1, 15)
    assert gaps == {(date(2026, 5, 17), date(2026, 7, 26))}
    assert rises[-1] == date(2026, 11, 26)
    sets = days_with('sunset at "Tromsø"', "Tromsø", 2026)
    assert {(one, other) for one, other in pairwise(sets) if other - one > DAY} == SET_GAPS


def test_what_the_sun_never_does_is_refused_after_a_bounded_search() -> None:
    for text in ('sunrise at "Tromsø" on 24th of december', 'sunset at "Tromsø" on 21st of june'):
        with pytest.raises(
            PicoschedError, match=r"never fires in UTC: there is no sun(rise|set) on its days"
        ):
            spec(text)


def test_at_a_pole_the_search_ends() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    found = [*spec('sunrise at "Pole" | 0 0 1 1 *').between(start, start + 730 * DAY)]
    assert datetime(2027, 1, 1, tzinfo=UTC) in found
    assert len(found) < 10


@pytest.mark.parametrize("place", ["Pole", "Tromsø"])
@pytest.mark.parametrize("event", ["sunrise", "dawn"])
def test_where_it_comes_seldom_none_of_its_weekdays_is_passed_over(place: str, event: str) -> None:
    """Against the formula asked for each day of 60 years."""
    start, end = datetime(2000, 1, 1, tzinfo=UTC), datetime(2060, 1, 1, tzinfo=UTC)
    latitude, longitude = PLACES[place]["lat"], PLACES[place]["lon"]
    days = range(start.toordinal() - 3, end.toordinal() + 3)
    asked = (_event(latitude, longitude, event, day) for day in days)
    every = [datetime.min.replace(tzinfo=UTC) + timedelta(seconds=at) for at in asked if at is not None]
    every = [at for at in every if start <= at < end]
    mondays = [at for at in every if at.astimezone(zone(place)).weekday() == 0]
    assert [*spec(f'{event} at "{place}"').between(start, end)] == every
    on_mondays = spec(f'{event} at "{place}" on monday')
    assert [*on_mondays.between(start, end)] == mondays
    back, at = list[datetime](), end
    while (before := on_mondays.before(at)) is not None and before >= start:
        back, at = [before, *back], before
    assert back == mondays


@given(
    mild,
    events,
    st.integers(-86_399, 86_399),
    st.sampled_from(["", " on weekdays", " last friday of month", " in june", " every 3 days"]),
    st.datetimes(datetime(1971, 1, 1), datetime(2150, 1, 1), timezones=st.just(UTC)),
)
@settings(max_examples=80)
def test_stepping_agrees_in_both_directions(
    place: str, event: str, shift: int, days: str, at: datetime
) -> None:
    said = f" {'-' if shift < 0 else '+'} {abs(shift)}s" if shift else ""
    found = spec(f'{event}{said} at "{place}"{days}')
    fires = [*islice(found.between(at, datetime.max.replace(tzinfo=UTC)), 4)]
    assert fires == sorted({*fires})
    assert fires[0] >= at
    for one, other in pairwise(fires):
        assert found.after(one) == other
        assert found.before(other) == one
    if not days:
        by = timedelta(seconds=shift)
        plain = islice(spec(f'{event} at "{place}"').between(at - by, datetime.max.replace(tzinfo=UTC)), 4)
        assert fires == [each + by for each in plain]
    if days == " on weekdays":
        assert all((each - timedelta(seconds=shift)).astimezone(zone(place)).weekday() < 5 for each in fires)


def test_days_are_those_of_the_place() -> None:
    """Sunrise in Auckland on Monday is on Sunday evening in UTC."""
    found = spec('sunrise at "Auckland" on monday', "America/New_York")
    time = found.after(datetime(2026, 3, 1, tzinfo=UTC))
    assert time is not None
    assert (f"{time:%a}", f"{time.astimezone(zone('Auckland')):%a}") == ("Sun", "Mon")


SAME = [
    ('sunset - 30 minutes at "Berlin"', '30 minutes before sunset in "Berlin"'),
    ("sunrise + 1h30m at 'Berlin' on weekdays", 'weekdays at 1 hour 30 minutes after sunrise in "Berlin"'),
    ('every monday at dusk in "Tromsø"', 'dusk at "Tromsø" & mondays'),
    ('dawn at "Berlin" except saturday, sunday', 'dawn at "Berlin" on weekdays'),
    ('sunset at "Berlin" except holidays("DE-BY")', 'sunset at "Berlin" & (daily except holidays("DE-BY"))'),
    ('business days at sunset in "Berlin"', 'sunset at "Berlin" on weekdays except holidays("DE-BY")'),
    ('sunset at "Berlin" | sunset at "Berlin" on friday', 'SUNSET  at "Berlin"'),
    ('sunset at "Berlin" on friday | sunset at "Berlin" on sunday', 'sunset in "Berlin" friday, sunday'),
    ('sunset at "Berlin" except sunset at "Berlin" on friday', 'sunset at "Berlin" except fridays'),
    ('sunset at "Berlin" in 2030', 'sunset at "Berlin" & 2030-01-01..2030-12-31'),
]  # fmt: skip


@pytest.mark.parametrize(("one", "other"), SAME)
@pytest.mark.parametrize("tz", ["UTC", "Europe/Berlin"])
def test_texts_that_mean_the_same(one: str, other: str, tz: str) -> None:
    assert spec(one, tz) == spec(other, tz)
    assert spec(spec(one, tz).text, tz) == spec(one, tz)
    assert spec(one, tz) != spec('sunset + 1s at "Berlin"', tz)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('sunset - 30 minutes at "Berlin"', '30 minutes before sunset in "Berlin"'),
        ('sunrise + 61m at "Berlin" on sunday', '1 hour 1 minute after sunrise in "Berlin" on Sunday'),
        ('dawn at "Tromsø" in 2030', 'at dawn in "Tromsø" every day in 2030'),
        ('last business day of month at dusk in "Berlin"',
         'at dusk in "Berlin" on the last business day of "DE-BY" of every month'),
    ],
)  # fmt: skip
def test_words_read_back(text: str, words: str) -> None:
    assert spec(text).explain() == words
    assert spec(words) == spec(text)


FAULTS = [
    ("sunset", 'found "sunset", wanted a place as well, as in sunset - 30 minutes at "Berlin"'),
    ("every day at sunset in Berlin", "column 14: found \"sunset\", wanted a place as well"),
    ('sunset at "Paris"', 'found the place "Paris", wanted one of'),
    ('sunset - 24h at "Berlin"', 'column 10: found "24h", wanted less than 24 hours'),
    ('sunset - 2 days at "Berlin"', 'found "2 days", wanted less than 24 hours'),
    ('sunset - 3 moons at "Berlin"', 'found "moons", wanted one of s m h d w mo y'),
    ('1h before sunset - 1h at "Berlin"', "wanted one time before or after it"),
    ('sunset at "Berlin" at 9', 'found "at 9", wanted days: sunset is the time'),
    ('sunset at "Berlin" every 5 minutes', "wanted days: sunset is the time"),
    ('sunset at "Berlin" on blursday', 'column 23: found "blursday"'),
    ('sunset at "Berlin" & 0 9 * * *', "found sunset, which is no local time, combined with times of a day"),
    ('0 9 * * * except sunset at "Berlin"', "found sunset, which is no local time"),
    ('sunset at "Berlin" except sunrise at "Berlin"', "found sunset, which is no local time"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "said"), FAULTS)
def test_what_is_wrong_is_told_with_its_place(text: str, said: str) -> None:
    with pytest.raises(PicoschedError) as raised:
        spec(text)
    assert said in raised.value.message


@pytest.mark.parametrize(
    ("place", "said"),
    [
        ({"lat": 1, "lon": 2}, "the place p: found {'lat': 1, 'lon': 2}, wanted a table as"),
        ({"lat": 91, "lon": 2, "zone": "UTC"}, "the place p, lat: found 91, wanted degrees, -90 to 90"),
        ({"lat": 1, "lon": float("nan"), "zone": "UTC"}, "the place p, lon: found nan"),
        ({"lat": 1, "lon": 2, "zone": "Berlin"}, "the place p, zone: found the time zone 'Berlin'"),
    ],
)
def test_what_is_wrong_with_a_place(place: Any, said: str) -> None:
    with pytest.raises(PicoschedError) as raised:
        load_settings(None, {}, places={"p": place})
    assert said in raised.value.message


@pytest.mark.parametrize("year", [2, 500, 5000, 9998])
def test_years_far_from_now_have_their_times_too(year: int) -> None:
    rises = days_with('sunrise at "Berlin"', "Berlin", year)
    assert len({*rises}) >= 364


def test_the_ends_of_time() -> None:
    found = spec('sunset at "Kiritimati"')
    assert found.after(datetime(9999, 12, 31, 23, tzinfo=UTC)) is None
    assert found.before(datetime(1, 1, 1, tzinfo=UTC)) is None
    assert found.after(datetime(1, 1, 1, tzinfo=UTC)) is not None
    assert found.before(datetime(9999, 12, 31, 23, tzinfo=UTC)) is not None


def test_the_least_period_is_a_little_less_than_a_day() -> None:
    period = spec('sunset at "Berlin"').period()
    assert period is not None
    assert 1_436 * MINUTE < period < DAY


def test_days_left_out_are_those_of_the_place() -> None:
    found = spec('sunrise at "Auckland" except holidays("NZ")')
    start = datetime(2026, 1, 30, tzinfo=UTC)
    assert [str(each) for each in found.left_out(start, start + 10 * DAY)] == ["Fri 2026-02-06: Waitangi Day"]
