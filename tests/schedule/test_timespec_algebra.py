"""Timespecs joined by | & and except, held against sets of instants that a naive evaluation tries."""

import pickle
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import reduce

import pytest
from cron_fields import DAY, MINUTE, Field, day_matches, days, fields, nexts, utc, weekdays
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from picosched.errors import PicoschedError
from picosched.timespec.timespec import Timespec

EVERY = Field("*", frozenset(range(32)))


# A naive evaluation


@dataclass(frozen=True)
class Naive:
    """The text of a timespec, and whether a time belongs; `rank` is how tightly the text is joined."""

    text: str
    has: Callable[[datetime], bool]
    rank: int = 3
    dates: bool = False

    def within(self, rank: int) -> str:
        return self.text if self.rank >= rank else f"({self.text})"


def _cron(minute: Field, hour: Field, of_month: Field, of_week: Field) -> Naive:
    def has(at: datetime) -> bool:
        in_day = at.second == 0 and at.minute in minute.values and at.hour in hour.values
        return in_day and day_matches(at.date(), of_month, EVERY, of_week)

    return Naive(f"{minute.text} {hour.text} {of_month.text} * {of_week.text}", has)


def _moment(at: datetime) -> Naive:
    return Naive(at.isoformat(timespec="minutes"), lambda tried: tried.replace(tzinfo=None) == at)


def _dates(first: date, length: int) -> Naive:
    last = first + length * DAY
    return Naive(
        f"{first}..{last}" if length else str(first), lambda at: first <= at.date() <= last, dates=True
    )


def _yearly(day: date) -> Naive:
    return Naive(f"--{day:%m-%d}", lambda at: (at.month, at.day) == (day.month, day.day), dates=True)


START = datetime(2026, 2, 20, tzinfo=UTC)
TRIED = [START + n * 20 * MINUTE for n in range(16 * 72)]

some_days = st.dates(START.date(), START.date() + 15 * DAY)
crons = st.builds(
    _cron,
    st.sampled_from(
        [
            Field("*/20", frozenset((0, 20, 40))),
            Field("20", frozenset((20,))),
            Field("0,40", frozenset((0, 40))),
        ]
    ),
    fields(0, 23),
    st.one_of(st.just(EVERY), days),
    st.one_of(st.just(EVERY), weekdays),
)
moments = st.sampled_from(TRIED).map(lambda at: _moment(at.replace(tzinfo=None)))
dates = st.one_of(st.builds(_dates, some_days, st.integers(0, 5)), some_days.map(_yearly))


def _joined(terms: st.SearchStrategy[Naive]) -> st.SearchStrategy[Naive]:
    def union(some: list[Naive]) -> Naive:
        return Naive(" | ".join(n.within(1) for n in some), lambda at: any(n.has(at) for n in some), 1)

    def meet(one: Naive, other: Naive, swapped: bool) -> Naive:
        both = [other, one] if swapped else [one, other]
        return Naive(" & ".join(n.within(2) for n in both), lambda at: one.has(at) and other.has(at), 2)

    def less(left: Naive, taken: list[Naive]) -> Naive:
        text = ", ".join(n.within(1) for n in taken)
        return Naive(
            f"{left.text} except {text}", lambda at: left.has(at) and not any(n.has(at) for n in taken), 0
        )

    lists = st.lists(terms, min_size=1, max_size=3)
    return st.one_of(
        st.builds(union, lists),
        st.builds(meet, terms, st.one_of(terms, dates), st.booleans()),
        st.builds(less, terms, st.lists(st.one_of(terms, dates), min_size=1, max_size=3)),
    )


expressions = st.recursive(st.one_of(crons, crons, moments), _joined, max_leaves=8)


@pytest.mark.slow
@settings(deadline=None, max_examples=250)
@given(expressions)
def test_the_algebra_agrees_with_trying_every_instant(naive: Naive) -> None:
    wanted = [at for at in TRIED if naive.has(at)]
    try:
        timespec = Timespec.parse(naive.text)
    except PicoschedError as refused:
        assert "never fires" in refused.message, naive.text
        assert wanted == []
        return
    assert list(timespec.between(START, START + 16 * DAY)) == wanted
    backwards, at = [], timespec.before(START + 16 * DAY)
    while at is not None and at >= START:
        backwards.append(at)
        at = timespec.before(at)
    assert backwards == wanted[::-1]
    again = Timespec.parse(timespec.text)
    assert again == timespec and again.text == timespec.text
    assert hash(again) == hash(timespec)


@pytest.mark.slow
@settings(deadline=None, max_examples=120)
@given(expressions, expressions)
def test_operators_are_the_texts_of_operators(one: Naive, other: Naive) -> None:
    def parsed(make: Callable[[], Timespec]) -> Timespec | str:
        try:
            return make()
        except PicoschedError as refused:
            return refused.message.rpartition(":")[2]

    try:
        left, right = Timespec.parse(one.text), Timespec.parse(other.text)
    except PicoschedError:
        assume(False)
    for text, make in (
        ("|", lambda: left | right),
        ("&", lambda: left & right),
        ("except", lambda: left - right),
    ):
        joined = parsed(lambda text=text: Timespec.parse(f"({one.text}) {text} ({other.text})"))
        assert parsed(make) == joined


@pytest.mark.slow
@settings(deadline=None, max_examples=120)
@given(expressions, expressions, expressions)
def test_the_laws_of_sets_hold(a: Naive, b: Naive, c: Naive) -> None:
    try:
        x, y, z = (Timespec.parse(each.text) for each in (a, b, c))
    except PicoschedError:
        assume(False)
    assert x | y == y | x
    assert (x | y) | z == x | (y | z)
    assert x | x == x == x & x
    assert (x | y) & x == x
    pairs = [
        (lambda: (x | y) - z, lambda: _all(lambda: x - z, lambda: y - z)),
        (lambda: (x | y) & z, lambda: _all(lambda: x & z, lambda: y & z)),
        (lambda: x, lambda: _all(lambda: x - y, lambda: x & y)),
    ]
    for one, other in pairs:
        assert _or_never(one) == _or_never(other)


def _or_never(make: Callable[[], Timespec | None]) -> Timespec | None:
    try:
        return make()
    except PicoschedError as refused:
        assert "never fires" in refused.message
        return None


def _all(*make: Callable[[], Timespec]) -> Timespec | None:
    found = [each for each in map(_or_never, make) if each is not None]
    return reduce(Timespec.__or__, found) if found else None


# Texts


@pytest.mark.parametrize(
    ("text", "normal"),
    [
        ("0 9 * * 1-5  EXCEPT 2026-12-24,2026-12-25", "0 9 * * 1-5 except 2026-12-24, 2026-12-25"),
        ("0 9 * * 1-5 except 2026-12-24 .. 2027-01-06", "0 9 * * 1-5 except 2026-12-24..2027-01-06"),
        ("0 9 * * 1-5 except --12-25, 0 9 1,15 * *", "0 9 * * 1-5 except --12-25, 0 9 1,15 * *"),
        ("(0 9 * * 1) | ((0 10 * * 2))", "0 9 * * 1 | 0 10 * * 2"),
        ("((0 9 * * 1 | @daily)) & (2026-12-24)", "(0 9 * * 1 | @daily) & 2026-12-24"),
        ("@daily | 0 9 * * 1 & 2026-12-24", "@daily | 0 9 * * 1 & 2026-12-24"),
        ("@daily except (@weekly except 2026-12-27)", "@daily except (@weekly except 2026-12-27)"),
        ("(@daily except @weekly) except @monthly", "@daily except @weekly except @monthly"),
        ("(@hourly except @daily) & @hourly", "(@hourly except @daily) & @hourly"),
        ("@hourly except (@daily | @weekly), @monthly", "@hourly except @daily | @weekly, @monthly"),
        ("@daily except (mondays, tuesdays)", "@daily except (mondays, tuesdays)"),
        ("@daily except mondays", "@daily except mondays"),
        ("2026-12-24t09:00", "2026-12-24T09:00"),
        ("2026-12-24T09:00:30 | 2026-12-24T10:00", "2026-12-24T09:00:30 | 2026-12-24T10:00"),
        ("last day of month", "last day of month at 00:00"),
        ("last day of month except 2026-12-31", "(last day of month except 2026-12-31) & 0 0 * * *"),
        ("2026-01-01..2026-12-31 & mondays", "2026-01-01..2026-12-31 & mondays & 0 0 * * *"),
        ("mondays & 0 9 * * *", "mondays & 0 9 * * *"),
        ("mondays | 0 9 * * *", "mondays at 00:00 | 0 9 * * *"),
    ],
)
def test_the_normal_form_of_a_text_reads_as_itself(text: str, normal: str) -> None:
    timespec = Timespec.parse(text)
    assert timespec.text == normal
    assert Timespec.parse(normal).text == normal
    assert Timespec.parse(normal) == timespec


@pytest.mark.parametrize(
    ("text", "start", "expected"),
    [
        ("0 9 * * 1-5 except 2026-12-24, 2026-12-25", "2026-12-23", "12-23T09 12-28T09"),
        ("0 9 * * 1-5 except 2026-12-24..2027-01-06", "2026-12-23T10", "2027-01-07T09"),
        ("0 9 * * * except --12-25", "2026-12-24T10", "12-26T09 12-27T09"),
        ("0 9 * * * except --12-24..--01-06", "2026-12-23", "12-23T09 2027-01-07T09"),
        ("0 9 * * * except --02-29", "2028-02-28", "2028-02-28T09 2028-03-01T09"),
        ("0 9,10 * * * except 2026-12-24T09:00", "2026-12-24", "12-24T10 12-25T09"),
        ("0 9 * * 1 | 2026-12-24T17:00", "2026-12-22", "12-24T17 12-28T09"),
        ("0 9 * * * except last friday of month", "2026-12-24T10", "12-26T09"),
        ("every day at 9:00 except weekends, --12-25", "2026-12-24T10", "12-28T09"),
        ("every monday at 9:00 except first monday of month", "2026-12-01", "12-14T09 12-21T09"),
        ("0 9 * * * & 2026-12-24..2026-12-25", "2026-12-01", "12-24T09 12-25T09"),
        (
            "0 */6 * * * & (2026-12-24 | mondays)",
            "2026-12-23",
            "12-24T00 12-24T06 12-24T12 12-24T18 12-28T00",
        ),
        ("0 9 * * 1 | 0 9 * * 2 except 2026-12-28, 2026-12-29", "2026-12-24", "2027-01-04T09"),
    ],
)
def test_what_is_joined_fires_at(text: str, start: str, expected: str) -> None:
    wanted = [utc((each if each.startswith("2") else f"2026-{each}") + ":00") for each in expected.split()]
    assert nexts(Timespec.parse(text), utc(start), len(wanted)) == wanted


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("2026-12-24", 'column 1: found "2026-12-24", wanted a time as well, as in 2026-12-24T09:00'),
        ("2026-12-24..2026-12-28 | --12-24", "wanted a time as well"),
        ("@daily | 2026-12-24", 'found "2026-12-24", wanted a time as well'),
        ("@daily except 2026-02-30", 'column 15: found "2026-02-30", wanted an existing day'),
        ("@daily except --02-30", 'column 15: found "--02-30", wanted an existing day'),
        ("@daily except 2026-01-01..2026-02-30", 'column 27: found "2026-02-30", wanted an existing day'),
        ("@daily except 2026-12-25..2026-12-24", "wanted the earlier date first"),
        ("@daily except 2026-12-25..--12-28", "wanted a date as in 2026-12-24"),
        ("@daily except 2026-1-1", 'column 15: found "2026-1-1", wanted a date'),
        ("2026-12-24T25:00", 'column 1: found "2026-12-24T25:00", wanted an existing day and time'),
        ("2026-12-24T09:00Z", 'column 1: found "2026-12-24T09:00Z", wanted a date as in'),
        ("@daily except", "column 14: found nothing, wanted a timespec"),
        ("@daily |", "column 9: found nothing, wanted a timespec"),
        ("| @daily", 'column 1: found "| @daily", wanted a timespec'),
        ("@daily & & @daily", 'column 10: found "& @daily", wanted a timespec'),
        ("(@daily", "column 8: found nothing, wanted ) or one of | & except"),
        ("@daily)", 'column 7: found ")", wanted nothing more, or one of | & except'),
        ("()", 'column 2: found ")", wanted a timespec'),
        ("@daily (@weekly)", 'column 8: found "(@weekly)", wanted nothing more'),
        ("@daily except @daily", "never fires"),
        ("0 9 * * 1 & 0 9 * * 2", "never fires"),
        ("0 9 * * * & 2026-12-24 & 2026-12-25", "never fires"),
        ("0 9 * * * except 2026-12-24, 60 * * * *", 'column 30, minute: found "60", wanted 0 to 59'),
        ("(" * 30 + "@daily" + ")" * 30, "wanted at most 24 nested parentheses"),
        (" | ".join(["@daily"] * 65), "wanted a timespec of at most 64 terms"),
    ],
)  # fmt: skip
def test_a_text_that_is_joined_wrongly_is_refused_with_its_place(text: str, fault: str) -> None:
    with pytest.raises(PicoschedError) as raised:
        Timespec.parse(text)
    assert raised.value.code == "invalid"
    assert fault in raised.value.message


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "0 9 * * 1-5 except 2026-12-24, 2026-12-25",
            "at 09:00 on Monday to Friday, except on 2026-12-24 and 2026-12-25",
        ),
        (
            "@daily except 2026-12-24..2027-01-06, --05-01",
            "at 00:00 every day, except from 2026-12-24 to 2027-01-06 and on every 05-01",
        ),
        ("@daily except mondays", "at 00:00 every day, except on Monday"),
        ("0 9 * * 1 | 2026-12-24T10:00", "at 09:00 on Monday; and at 10:00 on 2026-12-24"),
        ("@hourly & 2026-12-24", "every hour, only on 2026-12-24"),
        ("(@hourly | @daily) & mondays", "(every hour; and at 00:00 every day), only on Monday"),
    ],
)  # fmt: skip
def test_what_is_joined_is_told_in_words(text: str, words: str) -> None:
    assert Timespec.parse(text).explain() == words


# Equality, and the operators in Python


@pytest.mark.parametrize("tz", ["UTC", "Europe/Berlin"])
@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0 9 * * MON", "0 9 * * 1"),
        ("@daily", "0 0 * * *"),
        ("0 9 * * 1-5", "0 9 * * * except weekends"),
        ("0 9 * * 1-5 | 0 9 * * 6,0", "0 9 * * *"),
        ("0 0 L 1,2 *", "0 0 31 1 * | 0 0 29 2 * | 0 0 28 2 * & 0 0 L 2 *"),
        ("0 0 1W * *", "first weekday of month"),
        ("0 0 LW * *", "last weekday of month"),
        ("0 0 * * 1#5", "0 0 29-31 * */1 & 0 0 * * 1"),
        ("0 9 1-7 * */1 & 0 9 * * 1", "0 9 * * 1#1"),
        ("0 9,17 * * *", "0 17 * * * | 0 9 * * *"),
        ("0 9 * * * except 2026-12-24..2026-12-26", "0 9 * * * except 2026-12-25, 2026-12-24, 2026-12-26"),
        ("0 0 30 4,6 *", "0 0 30,31 4,6 *"),
        ("0 0 0 1 1 * 2030", "2030-01-01T00:00"),
    ],
)
def test_timespecs_are_equal_when_they_fire_at_the_same_times(one: str, other: str, tz: str) -> None:
    left, right = Timespec.parse(one, tz), Timespec.parse(other, tz)
    assert left == right and hash(left) == hash(right)
    assert len({left, right}) == 1


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("0 9 * * *", "1 9 * * *"),
        ("0 9 * * *", "0 9 * * * except 2026-12-24"),
        ("0 9 * * *", "0 9 * * * except 9999-12-31"),
        ("0 9 * * *", "0 9 * * * | 0001-01-02T10:00"),
        ("0 0 28 2 *", "0 0 L 2 *"),
        ("0 0 0 29 2 * 2028", "0 0 0 29 2 * 2032"),
    ],
)
def test_one_time_less_makes_them_different(one: str, other: str) -> None:
    assert Timespec.parse(one) != Timespec.parse(other)


def test_how_times_follow_clock_changes_counts_except_where_local_time_is_utc() -> None:
    one, other = "*/30 2 * * *", "0,30 2 * * *"
    assert Timespec.parse(one) == Timespec.parse(other)
    assert Timespec.parse(one, "Europe/Berlin") != Timespec.parse(other, "Europe/Berlin")
    both = Timespec.parse(f"{one} & {other}", "Europe/Berlin")
    assert both == Timespec.parse(other, "Europe/Berlin")
    left = Timespec.parse("*/30 2,3 * * * except 0,30 2 * * *", "Europe/Berlin")
    assert (
        left
        == Timespec.parse("*/30 3 * * *", "Europe/Berlin")
        != Timespec.parse("0,30 3 * * *", "Europe/Berlin")
    )
    assert Timespec.parse("@daily", "Etc/UTC") != Timespec.parse("@daily")  # another zone
    assert Timespec.parse("@daily") != "@daily"


def test_only_timespecs_of_one_zone_are_joined() -> None:
    here, there = Timespec.parse("@daily"), Timespec.parse("@daily", "Europe/Berlin")
    for join in (Timespec.__or__, Timespec.__and__, Timespec.__sub__):
        with pytest.raises(PicoschedError, match="zones UTC and Europe/Berlin, wanted both in one"):
            join(here, there)
    with pytest.raises(PicoschedError, match="wanted both in one"):
        here.without([there])
    with pytest.raises(TypeError):
        here | "@weekly"  # type: ignore[operator]


def test_a_difference_of_timespecs_takes_times_and_not_days() -> None:
    nine, mondays = Timespec.parse("0 9 * * *"), Timespec.parse("mondays")
    assert nine - mondays == nine
    assert Timespec.parse("0 9 * * * except mondays") == Timespec.parse("0 9 * * 0,2-6")


def test_without_takes_days_texts_local_times_and_timespecs() -> None:
    nine = Timespec.parse("0 9 * * *")
    days = [date(2026, 12, 24) + n * DAY for n in range(4)]
    assert nine.without(days).text == "0 9 * * * except 2026-12-24..2026-12-27"
    assert nine.without([days[2], days[0], days[0]]).text == "0 9 * * * except 2026-12-24, 2026-12-26"
    assert nine.without(["--12-25", "mondays"]).text == "0 9 * * * except --12-25, mondays"
    assert nine.without([datetime(2026, 12, 24, 9)]).text == "0 9 * * * except 2026-12-24T09:00"
    assert nine.without([Timespec.parse("0 9 * * 1")]) == Timespec.parse("0 9 * * 0,2-6")
    assert nine.without([]) is nine
    assert nine.without(iter(days)) == nine.without(days)
    for wrong in (5, datetime(2026, 12, 24, tzinfo=UTC), None):
        with pytest.raises(PicoschedError, match="wanted a date, a text, a local time or a Timespec"):
            nine.without([wrong])  # type: ignore[list-item]


def test_two_years_of_public_holidays_are_left_out() -> None:
    holidays = [date(2026 + n // 12, n % 12 + 1, 1 + n % 27) for n in range(240)]
    timespec = Timespec.parse("0 9 * * *").without(holidays)
    left = {at.date() for at in timespec.between(utc("2026-01-01"), utc("2046-01-01"))}
    assert not left & set(holidays)
    assert len(left) + len(holidays) == (date(2046, 1, 1) - date(2026, 1, 1)).days


def test_a_timespec_that_was_joined_can_be_pickled() -> None:
    timespec = Timespec.parse("0 9 * * 1 | 2026-12-24T10:00", "Europe/Berlin")
    assert pickle.loads(pickle.dumps(timespec)) == timespec


# Periods and counts


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("0 9 * * * | 30 9 * * *", 30 * MINUTE),
        ("0 9 * * 1 | 59 8 * * 2", DAY - MINUTE),
        ("0 9 * * * except 2026-12-24", DAY),
        ("2026-12-24T09:00 | 2026-12-26T09:00", 2 * DAY),
        ("1969-12-24T09:00 | 1969-12-26T09:00", 2 * DAY),
        ("2026-12-24T09:00", None),
        ("@every 90s | @every 60s", timedelta(seconds=30)),
        ("@every 7h & mondays", timedelta(hours=7)),
        ("every 2 days at 9:00 except 2026-12-24", 2 * DAY),
    ],
)
def test_the_period_of_several_parts_is_that_of_their_fires(text: str, period: timedelta | None) -> None:
    assert Timespec.parse(text).period() == period


@settings(deadline=None, max_examples=60)
@given(expressions, st.sampled_from(TRIED), st.sampled_from(TRIED), st.integers(0, 50))
@pytest.mark.slow
def test_counting_is_counting_fires(naive: Naive, after: datetime, until: datetime, most: int) -> None:
    try:
        timespec = Timespec.parse(naive.text)
    except PicoschedError:
        assume(False)
    assert timespec.count(after, until, most) == min(
        most, sum(after < at <= until for at in TRIED if naive.has(at))
    )
