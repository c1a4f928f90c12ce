"""Time: the clocks that tell it, and the forms it takes outside Python.

A time is an aware datetime in UTC. It leaves Python as ISO 8601 text with `Z` or as whole
milliseconds since 1970, and only the functions below convert. Nothing but `SystemClock` reads the
time of the machine; whoever needs to know the time is given a `Clock`, so that a test, a simulation
or a transcript hands in a `VirtualClock` and moves it by hand.
"""

from __future__ import annotations

import re
import threading
import time as system
from datetime import UTC, datetime, timedelta
from typing import Protocol

from picosched.errors import PicoschedError

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
LAST = datetime.max.replace(tzinfo=UTC)
"""The last moment there is; it sorts behind all others where there is no time."""

_MILLISECOND = timedelta(milliseconds=1)
FIRST_MS = (datetime.min.replace(tzinfo=UTC) - EPOCH) // _MILLISECOND
LAST_MS = (datetime.max.replace(tzinfo=UTC) - EPOCH) // _MILLISECOND

# What `fromisoformat` reads is wider than ISO 8601: it takes any character between date and time.
_ISO = re.compile(r"[0-9W-]{7,10}(?:[Tt ][0-9:.,]+(?:[Zz]|[+-][0-9:]+)?)?", re.ASCII)

# The wall clock and the monotonic clock drift apart by less than this in one slice, unless one is set.
_JUMP_SECONDS = 1.0

# Where the system has one: a clock that goes on while the machine sleeps.
_BOOTTIME: int | None = getattr(system, "CLOCK_BOOTTIME", None)

# An Event cannot be waited for together with a Condition, so a virtual clock looks at `wake` this often.
_GLANCE_SECONDS = 0.01


class Wake(Protocol):
    """What can end a wait early; `threading.Event` is one."""

    def is_set(self) -> bool: ...

    def wait(self, timeout: float | None = None) -> bool: ...


class Clock(Protocol):
    """Tells the time, counts seconds, and waits for a time."""

    def now(self) -> datetime:
        """The time, aware, in UTC."""
        ...

    def ticks(self) -> float:
        """Seconds that go on alike however the clock is set: the difference of two tells how long it was."""
        ...

    def elapsed(self) -> float:
        """The same, with the seconds for which the machine slept, as far as the system tells."""
        ...

    def wait_until(self, time: datetime | None, wake: Wake) -> None:
        """Return when `time` has come, when `wake` is set, or when the clock was seen to jump.

        It does not say which, so ask `now()` afterwards. Without a time only `wake` ends the wait.
        """
        ...


class SystemClock:
    """The clock of the machine.

    It waits in slices of at most `slice_seconds` and reads the clock again after each, so that a
    clock that is set forward or back, or a machine that slept, is noticed within one slice.
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
    """A clock that stands still until it is moved; safe to use from many threads."""

    def __init__(self, start: str | datetime = "2026-01-01T00:00:00Z") -> None:
        self._now = _utc(start)
        self._moved = threading.Condition()

    def now(self) -> datetime:
        with self._moved:
            return self._now

    def ticks(self) -> float:
        """The seconds since 1970: whoever moves this clock means that time goes by."""
        return self.now().timestamp()

    def elapsed(self) -> float:
        return self.ticks()

    def advance(self, duration: timedelta | None = None, **units: float) -> datetime:
        """Move forward by `duration` and by `units` as `timedelta` takes them (`minutes=5`); the new time.

        A step back is refused: `set` goes back.
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
        """Move to `time`, forward or back, as a clock that someone sets; the new time."""
        with self._moved:
            self._now = _utc(time)
            self._moved.notify_all()
            return self._now

    def reach(self, time: datetime) -> datetime:
        """Move forward to `time`, unless it has gone by already; the new time."""
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
    """Seconds that only ever run forward: the difference of two tells how long something took."""
    return system.perf_counter()


def computed() -> float:
    """Seconds that this thread has computed: the difference of two is without what others took from it."""
    return system.thread_time()


def parse_time(text: str) -> datetime:
    """The time that ISO 8601 `text` names, in UTC; text without an offset is UTC, a bare date its midnight.

    Anything else raises PicoschedError `invalid`.
    """
    if isinstance(text, str) and _ISO.fullmatch(text):
        try:
            return _utc(datetime.fromisoformat(text.upper()), naive_is_utc=True)
        except (ValueError, OverflowError) as cause:
            raise _not_a_time(text) from cause
    raise _not_a_time(text)


def format_time(time: datetime) -> str:
    """`time` as `2026-03-01T09:30:00Z`, or `…:00.250Z` where its milliseconds are not zero.

    Always UTC, always seconds; what is finer than a millisecond is cut off. A time without an offset
    raises PicoschedError `invalid`.
    """
    utc = _utc(time).replace(tzinfo=None)
    return utc.isoformat(timespec="milliseconds" if utc.microsecond >= 1000 else "seconds") + "Z"


def shifted(time: datetime, by: timedelta) -> datetime:
    """`time + by`, or the first or last moment there is where that lies beyond."""
    try:
        return time + by
    except OverflowError:
        return (datetime.max if by > timedelta(0) else datetime.min).replace(tzinfo=UTC)


def to_ms(time: datetime) -> int:
    """Whole milliseconds from 1970 to `time`, rounded down; exact."""
    return (_utc(time) - EPOCH) // _MILLISECOND


def whole_ms(time: datetime) -> datetime:
    """A time in whole milliseconds, as the store keeps it."""
    return from_ms(to_ms(time))


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
    return time if time.tzinfo is UTC else time.astimezone(UTC)


def _not_a_time(found: object) -> PicoschedError:
    shown = repr(found) if len(repr(found)) <= 60 else repr(found)[:60] + "…"
    return PicoschedError(
        f"found {shown}, wanted an ISO 8601 time such as 2026-03-01T09:30:00Z or 2026-03-01T09:30:00+01:00",
        "invalid",
    )
