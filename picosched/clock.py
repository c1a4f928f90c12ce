"""Clocks, and conversions of times.

A time is an aware datetime in UTC. Outside Python it is ISO 8601 text with `Z` or whole milliseconds since
1970, and only the functions below convert. Only `SystemClock` reads the machine's time; other code gets a
`Clock`, so that tests, simulations and transcripts can use a `VirtualClock` and move it by hand.
"""

from __future__ import annotations

import re
import threading
import time as system
from datetime import UTC, datetime, timedelta
from typing import Protocol

from picosched.errors import PicoschedError, shortened

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)
"""The last possible time; used to sort rows without a time after all others."""

MILLISECOND = timedelta(milliseconds=1)
FIRST_MS = (datetime.min.replace(tzinfo=UTC) - EPOCH) // MILLISECOND
LAST_MS = (datetime.max.replace(tzinfo=UTC) - EPOCH) // MILLISECOND

# `fromisoformat` accepts more than ISO 8601: any character between date and time.
_ISO = re.compile(r"[0-9W-]{7,10}(?:[Tt ][0-9:.,]+(?:[Zz]|[+-][0-9:]+)?)?", re.ASCII)

# The wall clock and the monotonic clock drift apart by less than this in one slice, unless one is set.
_JUMP_SECONDS = 1.0

# A clock that continues while the machine sleeps, if the system has one.
_BOOTTIME: int | None = getattr(system, "CLOCK_BOOTTIME", None)

# One cannot wait for an Event and a Condition together, so a virtual clock checks `wake` this often.
_GLANCE_SECONDS = 0.01


class Wake(Protocol):
    """Ends a wait early; `threading.Event` is one."""

    def is_set(self) -> bool: ...

    def wait(self, timeout: float | None = None) -> bool: ...


class Clock(Protocol):
    """Reads the time, counts seconds, and waits for a time."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        ...

    def ticks(self) -> float:
        """Monotonic seconds, for measuring durations; unaffected by setting the clock."""
        ...

    def elapsed(self) -> float:
        """As `ticks`, but including the time the machine slept, if the system counts it."""
        ...

    def wait_until(self, time: datetime | None, wake: Wake) -> None:
        """Return when `time` has come, `wake` is set, or a jump of the clock is detected.

        The caller checks `now()` to find out which. Without a time only `wake` ends the wait.
        """
        ...


class SystemClock:
    """The clock of the machine.

    It waits in slices of at most `slice_seconds` and rereads the clock after each, so that it detects within
    one slice that the clock was set or the machine slept.
    """

    def __init__(self, slice_seconds: float = 60.0) -> None:
        self._slice_seconds = slice_seconds

    def now(self) -> datetime:
        return datetime.now(UTC)

    def ticks(self) -> float:
        return ticks()

    def elapsed(self) -> float:
        return ticks() if _BOOTTIME is None else system.clock_gettime(_BOOTTIME)

    def wait_until(self, time: datetime | None, wake: Wake) -> None:
        if time is None:
            wake.wait()
            return
        while not wake.is_set():
            now, ticks = self.now(), system.monotonic()
            left = (time - now).total_seconds()
            if left <= 0 or wake.wait(min(left, self._slice_seconds)):
                return
            passed = (self.now() - now).total_seconds()
            if abs(passed - (system.monotonic() - ticks)) > _JUMP_SECONDS:
                return


class VirtualClock:
    """A clock that advances only when moved; safe to use from many threads."""

    def __init__(self, start: str | datetime = "2026-01-01T00:00:00Z") -> None:
        self._now = _utc(start)
        self._moved = threading.Condition()

    def now(self) -> datetime:
        return self._now

    def ticks(self) -> float:
        """The seconds since 1970: moving this clock means that time passes."""
        return self.now().timestamp()

    def elapsed(self) -> float:
        return self.ticks()

    def advance(self, duration: timedelta | None = None, **units: float) -> datetime:
        """Move forward by `duration` plus `units` of `timedelta` (`minutes=5`); returns the new time.

        A step back is refused: use `set`.
        """
        step = (duration or timedelta()) + timedelta(**units)
        if step < timedelta():
            raise PicoschedError(f"found an advance of {step}, wanted one that is not negative", "invalid")
        with self._moved:
            try:
                self._now += step
            except OverflowError as cause:
                raise PicoschedError(f"an advance of {step} leaves the years 1 to 9999", "invalid") from cause
            self._moved.notify_all()
            return self._now

    def set(self, time: str | datetime) -> datetime:
        """Set the clock to `time`, forward or back; returns the new time."""
        with self._moved:
            self._now = _utc(time)
            self._moved.notify_all()
            return self._now

    def reach(self, time: datetime) -> datetime:
        """Move forward to `time`, unless it has passed; returns the new time."""
        with self._moved:
            self._now = max(self._now, _utc(time))
            self._moved.notify_all()
            return self._now

    def wait_until(self, time: datetime | None, wake: Wake) -> None:
        with self._moved:
            seen = self._now
            while not wake.is_set():
                if time is not None and (self._now >= time or self._now < seen):
                    return
                seen = self._now
                self._moved.wait(_GLANCE_SECONDS)


def ticks() -> float:
    """Monotonic seconds, for measuring durations."""
    return system.perf_counter()


def computed() -> float:
    """CPU seconds of this thread, for measuring durations without the time other threads took."""
    return system.thread_time()


def parse_time(text: str) -> datetime:
    """Parse ISO 8601 text, to UTC; without an offset it is UTC, and a date alone is its midnight.

    Any other text raises PicoschedError `invalid`.
    """
    if isinstance(text, str) and _ISO.fullmatch(text):
        try:
            return _utc(datetime.fromisoformat(text.upper()), naive_is_utc=True)
        except (ValueError, PicoschedError) as cause:
            raise _not_a_time(text) from cause
    raise _not_a_time(text)


def format_time(time: datetime) -> str:
    """`time` as `2026-03-01T09:30:00Z`, or `…:00.250Z` if its milliseconds are not zero.

    Always in UTC and with seconds, truncated to milliseconds. A time without an offset, or outside the years
    1 to 9999 in UTC, raises PicoschedError `invalid`.
    """
    utc = time if time.tzinfo is UTC else _utc(time)
    text = utc.isoformat(timespec="milliseconds" if utc.microsecond >= 1000 else "seconds")
    return f"{text[:-6]}Z"  # `+00:00` is left off


def shifted(time: datetime, by: timedelta) -> datetime:
    """`time + by`, limited to the first and last possible times."""
    try:
        return time + by
    except OverflowError:
        return (datetime.max if by > timedelta(0) else datetime.min).replace(tzinfo=UTC)


def to_ms(time: datetime) -> int:
    """Whole milliseconds from 1970 to `time`, rounded down; exact."""
    if time.tzinfo is not UTC:
        time = _utc(time)
    return (time - EPOCH) // MILLISECOND


def whole_ms(time: datetime) -> datetime:
    """A time rounded down to whole milliseconds, as in the store."""
    if time.tzinfo is not UTC:
        time = _utc(time)
    over = time.microsecond % 1000
    return time - timedelta(microseconds=over) if over else time


def from_ms(ms: int) -> datetime:
    """The time `ms` milliseconds after 1970; outside the years 1 to 9999, PicoschedError `invalid`."""
    if not FIRST_MS <= ms <= LAST_MS:
        raise PicoschedError(f"found {ms} ms since 1970, wanted a time in the years 1 to 9999", "invalid")
    return EPOCH + timedelta(milliseconds=ms)


def _utc(time: str | datetime, naive_is_utc: bool = False) -> datetime:
    if not isinstance(time, datetime):
        return parse_time(time)
    if time.tzinfo is None:
        if not naive_is_utc:
            raise PicoschedError(f"found {time.isoformat()} without an offset, wanted one in UTC", "invalid")
        return time.replace(tzinfo=UTC)
    try:
        return time if time.tzinfo is UTC else time.astimezone(UTC)
    except OverflowError as cause:
        wanted = "wanted a time in the years 1 to 9999"
        raise PicoschedError(
            f"found {time.isoformat()}, which is none in UTC, {wanted}", "invalid"
        ) from cause


def _not_a_time(found: object) -> PicoschedError:
    return PicoschedError(
        f"found {shortened(repr(found))}, "
        "wanted an ISO 8601 time such as 2026-03-01T09:30:00Z or 2026-03-01T09:30:00+01:00",
        "invalid",
    )


def rounded_up(time: datetime, granularity: int) -> datetime:
    """The first multiple of `granularity` seconds (since the epoch) that is not before `time`."""
    step = timedelta(seconds=granularity)
    over = (time - EPOCH) % step
    return time + (step - over) if over else time


def rounded_down(time: datetime, granularity: int, put_off: timedelta = timedelta()) -> datetime:
    """The last multiple of `granularity` seconds that, delayed by `put_off`, is not after `time`."""
    return time - (time - put_off - EPOCH) % timedelta(seconds=granularity)
