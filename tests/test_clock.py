"""Clocks tell the time and wait for it; times go to text and milliseconds and come back."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

import pytest
from freezegun import freeze_time
from hypothesis import given
from hypothesis import strategies as st

from picosched.clock import Clock, SystemClock, VirtualClock, format_time, from_ms, parse_time, to_ms
from picosched.errors import PicoschedError

pytestmark = pytest.mark.files

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
PATIENCE = 10.0

times = st.datetimes(timezones=st.just(UTC))
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))


class Waiter:
    """A thread that waits on a clock, and tells when it does and when it has done."""

    def __init__(self, clock: Clock, time: datetime | None) -> None:
        self.wake = Glanced()
        self._thread = threading.Thread(target=clock.wait_until, args=(time, self.wake), daemon=True)
        self._thread.start()
        assert self.wake.glanced.wait(PATIENCE), "it never waited"

    @property
    def waits(self) -> bool:
        return self._thread.is_alive()

    def looks_again(self) -> None:
        """Return once the clock has looked at `wake` afresh, so that it has seen all that was done before."""
        for _ in range(2):
            self.wake.glanced.clear()
            assert self.wake.glanced.wait(PATIENCE), "it stopped looking"

    def returns(self) -> bool:
        self._thread.join(PATIENCE)
        return not self._thread.is_alive()


class Glanced(threading.Event):
    """An event that remembers that somebody looked at it."""

    def __init__(self) -> None:
        super().__init__()
        self.glanced = threading.Event()

    def is_set(self) -> bool:
        self.glanced.set()
        return super().is_set()

    def wait(self, timeout: float | None = None) -> bool:
        self.glanced.set()
        return super().wait(timeout)


class StepsOnWait:
    """A wake that is never set, and does something to the clock while it is waited for."""

    def __init__(self, step: Callable[[], object]) -> None:
        self._step = step
        self.timeouts: list[float | None] = []

    def is_set(self) -> bool:
        return False

    def wait(self, timeout: float | None = None) -> bool:
        self.timeouts.append(timeout)
        self._step()
        return False


# The system's clock


@pytest.mark.slow
def test_the_system_clock_tells_the_time_of_the_machine() -> None:
    with freeze_time("2026-03-01T12:00:00Z"):
        assert SystemClock().now() == NOON
    assert SystemClock().now().tzinfo is UTC


def test_the_system_clock_does_not_wait_for_a_time_that_has_come() -> None:
    with freeze_time("2026-03-01T12:00:00Z"):
        wake = StepsOnWait(lambda: None)
        SystemClock().wait_until(NOON, wake)
        SystemClock().wait_until(NOON - timedelta(days=1), wake)
    assert wake.timeouts == []


def test_the_system_clock_waits_in_slices_and_reads_the_clock_after_each() -> None:
    with freeze_time("2026-03-01T12:00:00Z") as frozen:
        wake = StepsOnWait(lambda: frozen.tick(60))
        SystemClock(slice_seconds=60).wait_until(NOON + timedelta(seconds=150), wake)
    assert wake.timeouts == [60, 60, 30]


def test_a_set_wake_ends_the_wait_of_the_system_clock() -> None:
    wake = threading.Event()
    wake.set()
    SystemClock().wait_until(None, wake)
    SystemClock().wait_until(SystemClock().now() + timedelta(hours=1), wake)


@pytest.mark.parametrize("time", [None, datetime(9999, 1, 1, tzinfo=UTC)])
def test_waking_ends_the_wait_of_the_system_clock_at_once(time: datetime | None) -> None:
    waiter = Waiter(SystemClock(), time)
    waiter.wake.set()
    assert waiter.returns()


def test_the_system_clock_waits_until_the_time_has_really_come() -> None:
    clock = SystemClock()
    time = clock.now() + timedelta(milliseconds=30)
    clock.wait_until(time, threading.Event())
    assert time <= clock.now() < time + timedelta(seconds=PATIENCE)


@pytest.mark.parametrize("jump", [timedelta(hours=-5), timedelta(minutes=5)])
def test_the_system_clock_returns_when_the_machine_s_clock_was_set(
    jump: timedelta, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = SystemClock(slice_seconds=60)
    offset = timedelta()

    def set_the_clock() -> None:
        nonlocal offset
        offset = jump

    monkeypatch.setattr(clock, "now", lambda: NOON + offset)
    wake = StepsOnWait(set_the_clock)
    clock.wait_until(NOON + timedelta(days=1), wake)
    assert wake.timeouts == [60]


# The virtual clock


def test_a_virtual_clock_stands_still_until_it_is_moved() -> None:
    clock = VirtualClock("2026-03-01T12:00:00Z")
    assert clock.now() == clock.now() == NOON
    assert clock.advance(minutes=5, seconds=1) == clock.now() == NOON + timedelta(minutes=5, seconds=1)
    assert clock.advance(timedelta(hours=1), minutes=-5) == NOON + timedelta(hours=1, seconds=1)
    assert clock.advance() == clock.now()


def test_a_virtual_clock_may_be_set_back() -> None:
    clock = VirtualClock(NOON)
    assert clock.set("2025-01-01") == clock.now() == datetime(2025, 1, 1, tzinfo=UTC)
    clock.set(NOON.astimezone(timezone(timedelta(hours=2))))
    assert (clock.now(), clock.now().tzinfo) == (NOON, UTC)


def test_a_virtual_clock_starts_where_it_is_told() -> None:
    assert VirtualClock().now() == datetime(2026, 1, 1, tzinfo=UTC)
    assert VirtualClock(NOON).now() == VirtualClock("2026-03-01T13:00:00+01:00").now() == NOON


@pytest.mark.parametrize(
    "misuse",
    [
        lambda clock: clock.advance(minutes=-1),
        lambda clock: clock.advance(days=900_000_000),
        lambda clock: clock.set("soon"),
        lambda clock: clock.set(datetime(2026, 1, 1)),
        lambda clock: VirtualClock(datetime(2026, 1, 1)),
    ],
)
def test_a_virtual_clock_refuses_what_is_not_a_move(misuse: Callable[[VirtualClock], object]) -> None:
    clock = VirtualClock(NOON)
    with pytest.raises(PicoschedError) as raised:
        misuse(clock)
    assert raised.value.code == "invalid"
    assert clock.now() == NOON


def test_a_wait_on_a_virtual_clock_ends_when_the_time_is_reached_and_not_before() -> None:
    clock = VirtualClock(NOON)
    waiter = Waiter(clock, NOON + timedelta(minutes=5))
    clock.advance(minutes=4, seconds=59)
    waiter.looks_again()
    assert waiter.waits
    clock.advance(seconds=1)
    assert waiter.returns()


def test_a_wait_on_a_virtual_clock_ends_when_it_is_set_back() -> None:
    clock = VirtualClock(NOON)
    waiter = Waiter(clock, NOON + timedelta(minutes=5))
    clock.set("2020-01-01")
    assert waiter.returns()


def test_a_wait_on_a_virtual_clock_without_a_time_ends_only_when_it_is_woken() -> None:
    clock = VirtualClock(NOON)
    waiter = Waiter(clock, None)
    clock.advance(days=1000)
    clock.set(NOON)
    waiter.looks_again()
    assert waiter.waits
    waiter.wake.set()
    assert waiter.returns()


def test_moving_a_virtual_clock_wakes_all_who_wait_for_the_time() -> None:
    clock = VirtualClock(NOON)
    waiters = [Waiter(clock, NOON + timedelta(seconds=n)) for n in range(1, 6)]
    clock.advance(seconds=5)
    assert all(waiter.returns() for waiter in waiters)


def test_moves_from_many_threads_all_count() -> None:
    clock = VirtualClock(NOON)
    threads = [
        threading.Thread(target=lambda: [clock.advance(seconds=1) for _ in range(500)]) for _ in range(8)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    assert clock.now() == NOON + timedelta(seconds=4000)


# Text and milliseconds


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("2026-03-01T12:00:00Z", NOON),
        ("2026-03-01T12:00:00z", NOON),
        ("2026-03-01t12:00:00", NOON),
        ("2026-03-01 12:00", NOON),
        ("20260301T120000Z", NOON),
        ("2026-03-01T14:00:00+02:00", NOON),
        ("2026-03-01T06:30-05:30", NOON),
        ("2026-W09-7T12:00Z", NOON),
        ("2026-03-01T12:00:00.25Z", NOON + timedelta(milliseconds=250)),
        ("2026-03-01T12:00:00,123456Z", NOON + timedelta(microseconds=123456)),
        ("2026-03-01", NOON - timedelta(hours=12)),
    ],
)
def test_a_time_is_read_from_iso_8601_text(text: str, time: datetime) -> None:
    assert parse_time(text) == time
    assert parse_time(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "", "soon", "2026", "2026-3-1", "2026-13-01", "2026-02-30", " 2026-03-01", "1772366400", "٢٠٢٦-٠٣-٠١",
        "2026-03-01T25:00", "2026-03-01T12:00:60Z", "2026-03-01x12:00", "2026-03-01T12:00:00Zulu",
        "2026-03-01T12:00:00+99:00", "0001-01-01T00:00:00+01:00", "9999-12-31T23:59:59-01:00",
        "2026-03-01T12:00:00Z" * 20,
    ],
)  # fmt: skip
def test_what_is_not_a_time_is_refused_with_what_was_found_and_wanted(text: str) -> None:
    with pytest.raises(PicoschedError, match="wanted an ISO 8601 time such as 2026") as raised:
        parse_time(text)
    assert raised.value.code == "invalid"
    assert repr(text)[:60] in raised.value.message


def test_a_time_is_written_in_utc_with_milliseconds_only_when_there_are_any() -> None:
    assert format_time(NOON) == "2026-03-01T12:00:00Z"
    assert format_time(NOON + timedelta(milliseconds=50)) == "2026-03-01T12:00:00.050Z"
    assert format_time(NOON + timedelta(microseconds=999)) == "2026-03-01T12:00:00Z"
    assert format_time(NOON.astimezone(timezone(timedelta(hours=2)))) == "2026-03-01T12:00:00Z"
    assert format_time(datetime(1, 1, 1, tzinfo=UTC)) == "0001-01-01T00:00:00Z"
    with pytest.raises(PicoschedError, match="without an offset"):
        format_time(datetime(2026, 1, 1))


@given(st.datetimes(datetime(2, 1, 1), datetime(9998, 1, 1), timezones=zones))
def test_a_time_that_is_written_is_read_back_to_the_millisecond(time: datetime) -> None:
    cut = time.replace(microsecond=time.microsecond // 1000 * 1000)
    assert parse_time(format_time(time)) == from_ms(to_ms(time)) == cut


@given(st.text(max_size=40))
def test_any_text_is_a_time_or_is_refused(text: str) -> None:
    try:
        assert parse_time(text).tzinfo is UTC
    except PicoschedError as refused:
        assert refused.code == "invalid"


@given(times)
def test_milliseconds_are_exact_at_any_distance(time: datetime) -> None:
    since = time - datetime(1970, 1, 1, tzinfo=UTC)
    assert to_ms(time) == (since.days * 86_400 + since.seconds) * 1000 + since.microseconds // 1000


def test_milliseconds_outside_the_years_1_to_9999_are_refused() -> None:
    first, last = to_ms(datetime.min.replace(tzinfo=UTC)), to_ms(datetime.max.replace(tzinfo=UTC))
    assert from_ms(first) == datetime.min.replace(tzinfo=UTC)
    assert from_ms(last) == datetime(9999, 12, 31, 23, 59, 59, 999_000, tzinfo=UTC)
    for ms in (first - 1, last + 1, 10**30, -(10**30)):
        with pytest.raises(PicoschedError, match="wanted a time in the years 1 to 9999"):
            from_ms(ms)
    for time, hours in ((datetime.min, 1), (datetime.max, -1)):
        zoned = time.replace(tzinfo=timezone(timedelta(hours=hours)))
        for convert in (to_ms, format_time):
            with pytest.raises(PicoschedError, match="wanted a time in the years 1 to 9999"):
                convert(zoned)
    with pytest.raises(PicoschedError, match="without an offset"):
        to_ms(datetime(2026, 1, 1))
