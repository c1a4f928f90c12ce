"""A scheduled event: an event with a due time, and its state machine. It is one idea.

A row is *due until its effects are on disk, and never after*. One coming of its time is an occurrence, keyed
by (id, nominal time): that key is unique in the record of fires, so nothing fires twice. The nominal time is
the due time: the time asked for, rounded up to the engine's granularity, never early, and put off by the
row's own part of its jitter. The time asked for is kept beside it, where it is another.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from hashlib import blake2b
from itertools import islice, takewhile
from typing import Any, NamedTuple

from picosched.clock import EPOCH, LAST, format_time, shifted
from picosched.frozen import frozen, replace
from picosched.schedule.record import COUNT, FLAG, MAP, NAME, TEXT, TIME, Field, Table, word
from picosched.schedule.window import Window, read_window
from picosched.timespec.almanac import PLAIN, Almanac
from picosched.timespec.timespec import Timespec

SCHEDULES = ("at", "repeat", "window")
"""The kinds of rows shown in lists."""

MOST_COUNTED = 10_000
"""Passed occurrences are counted up to this number."""

MOST_COUNT = 1_000_000_000
MOST_JITTER = 7 * 86_400  # seconds


class Status(StrEnum):
    """The status of a scheduled event."""

    PENDING = "pending"
    PAUSED = "paused"
    FINISHED = "finished"
    CANCELLED = "cancelled"


class Misfire(StrEnum):
    """The policy for missed occurrences: raise once, not at all, or each."""

    ONCE = "once"
    SKIP = "skip"
    ALL = "all"


class Overlap(StrEnum):
    """What becomes of an occurrence that comes due while the one before it is still at work."""

    SKIP = "skip"
    QUEUE = "queue"
    CANCEL = "cancel"


class Outcome(StrEnum):
    """The outcome of one occurrence."""

    FIRED = "fired"
    LATE = "late"
    COALESCED = "coalesced"
    SKIPPED = "skipped"
    THROTTLED = "throttled"
    FAILED = "failed"
    CANCELLED = "cancelled"
    PAUSED = "paused"


NEXT = {Overlap.SKIP: "is skipped", Overlap.QUEUE: "waits", Overlap.CANCEL: "ends it"}
"""What becomes of it, in words."""

COMING = (Status.PENDING, Status.PAUSED)
"""The statuses of events that have not ended."""


class Next(NamedTuple):
    """A due time, and the time asked for where that is another; None where there is none."""

    due: datetime | None
    asked: datetime | None = None


ENDED = Next(None)


@frozen
class Scheduled:
    """An event scheduled by a rule, or by somebody from outside. Times are aware UTC datetimes."""

    id: str
    pico_id: str
    rid: str
    """The ruleset that made it and gets its event; empty if none did: then all of the pico's get it."""
    domain: str
    type: str
    attrs: Mapping[str, Any]
    kind: str
    """"at", "repeat", "window" (its edges). No schedules: "send", a message; "proc", a program; "running"."""
    due: datetime | None
    """The next occurrence; None once there is none."""
    created: datetime
    rule: str | None = None
    """The rule that made it, and the line of its `schedule`; of a schedule without a rid, who made it."""
    line: int | None = None
    timespec: str | None = None
    name: str | None = None
    """Of a "send" from a source: the id of its entry."""
    tz: str = "UTC"
    status: Status = Status.PENDING
    fires: int = 0
    fired: datetime | None = None
    """When it last fired."""
    eci: str | None = None
    """Of a "send": the channel it is raised through."""
    keep_until: datetime | None = None
    """Of a finished or cancelled one: when its record may be pruned."""
    paused_until: datetime | None = None
    """If paused: when it resumes automatically; None if it waits to be resumed."""
    misfire: Misfire | None = None
    """Its own policy; None for the engine's."""
    until: datetime | None = None
    """Of a repeat: the last time it may be due."""
    count: int | None = None
    """Of a repeat: how often it fires before it is finished."""
    jitter: int = 0
    """Maximum delay in milliseconds; the actual delay depends on the id."""
    description: str | None = None
    moved_from: datetime | None = None
    """If a repeat's next occurrence was moved: its original due time."""
    window: str | None = None
    """The name of the window in which it may be raised."""
    asked: datetime | None = None
    """The time that was asked for; None if it is the due time."""
    spaced_from: datetime | None = None
    """Of a repeat: the due time from which the least period between two fires counts."""
    retry: int | None = None
    """How often a failed occurrence is tried again."""
    tries: int = 0
    """Failed tries of the current occurrence, which is then due for its next one."""
    on_failure: str | None = None
    """What becomes of the row when occurrences fail: `schedule/failing.py`."""
    failures: int = 0
    """Occurrences that failed since the last one that did not."""
    late_after: int | None = None
    """From how many milliseconds on `schedule:late` says that it is late; None for the engine's own."""
    overlap: Overlap | None = None
    """Of a repeat: its policy for occurrences that come due while one is at work (`due/overlap.py`)."""
    held: bool = False
    """Whether it is paused only until what its last occurrence started has ended. Of a running program:
    whether it has to end, as the next occurrence waits for that."""
    started_by: str | None = None
    """Of a program, and of the message of its end: the id of the schedule whose occurrence started it."""
    trace: str | None = None
    """The place in a trace of the turn that made it, as a `traceparent`."""
    machine: str | None = None
    """Of a program that has begun: the id of the machine that runs it, if there may be others."""
    almanac: Almanac = field(default=PLAIN, compare=False, repr=False)
    """What its timespec is read with: that of the engine's settings. It is not stored."""

    @property
    def created_by(self) -> str | None:
        """The rule that scheduled it."""
        return self.rule

    @property
    def made_by(self) -> str:
        """Who made it: `rid.rule:line`, or less if no `schedule` or no rule did; or who did from outside."""
        return ".".join(filter(None, (self.rid, self.rule))) + ("" if self.line is None else f":{self.line}")

    @property
    def by_person(self) -> bool:
        """Whether somebody made it from outside, and no rule."""
        return not self.rid and self.kind in ("at", "repeat")

    @property
    def asked_for(self) -> datetime | None:
        """The time that was asked for, which is the due time unless that was rounded."""
        return self.asked or self.due

    @property
    def event(self) -> str:
        return f"{self.domain}:{self.type}"

    @property
    def is_schedule(self) -> bool:
        """Whether lists show it: it is neither a message nor a program."""
        return self.kind in SCHEDULES

    @property
    def paused(self) -> bool:
        return self.status is Status.PAUSED

    @property
    def state(self) -> str:
        """Its status in a word, for people."""
        return "held" if self.held else self.status.value

    @property
    def unmoved(self) -> datetime | None:
        """Of a row with a timespec: when its next occurrence was due before it was moved."""
        return None if self.timespec is None else self.moved_from or self.due

    def explain(self) -> str:
        """Its times in words; "once" if it does not repeat."""
        if self.timespec is None:
            return "once"
        if self.kind == "window":
            return self._window.explain()
        words = self.read(self.timespec).explain()
        return f"{words}; while one is at work the next {NEXT[self.overlap]}" if self.overlap else words

    @property
    def repeats(self) -> Timespec | None:
        """Of a repeat: its timespec."""
        if self.kind != "repeat" or self.timespec is None:
            return None
        return self.read(self.timespec)

    def read(self, timespec: str, tz: str | None = None) -> Timespec:
        """A timespec for it, in its own zone unless one is given."""
        return Timespec.parse(timespec, tz or self.tz, self.almanac)

    @property
    def put_off(self) -> timedelta:
        """This row's delay within its jitter: constant, and evenly distributed over ids."""
        if not self.jitter:
            return NONE
        drawn = int.from_bytes(blake2b(self.id.encode(), digest_size=8).digest())
        return timedelta(milliseconds=drawn % (self.jitter + 1))

    def settled(
        self,
        upto: datetime,
        granularity: int,
        fired: datetime | None = None,
        spaced_from: datetime | None = None,
    ) -> Scheduled:
        """This row after its current occurrence and all others up to a time were processed.

        It is due next, or finished. `fired` is when its event was raised, if it was; `spaced_from` replaces
        the one it has.
        """
        fires = self.fires if fired is None else self.fires + 1
        going_on = self.count is None or fires < self.count
        following = self.behind(upto, granularity) if going_on else ENDED
        return replace(
            self,
            fires=fires,
            fired=fired or self.fired,
            due=following.due,
            asked=following.asked,
            status=self.status if following.due else Status.FINISHED,
            moved_from=None,
            spaced_from=spaced_from or self.spaced_from,
            tries=0,
        ).with_edge(following.due)

    def behind(self, upto: datetime, granularity: int) -> Next:
        """The first due time after the present one and after `upto`."""
        if self.due is None or self.timespec is None:
            return ENDED
        # Never back to or before the present occurrence, whatever the clock says.
        since = max(self.due, self.moved_from or self.due)
        if self.kind == "window":
            return self.next_after(max(since, upto), granularity)
        # One that came already and is rounded up to a time after `upto` is still to come.
        passed = upto - (upto - self.put_off - EPOCH) % timedelta(seconds=granularity)
        return self.next_after(max(since, passed), granularity)

    def with_edge(self, time: datetime | None) -> Scheduled:
        """For a window: the row with the event of its last edge up to a time. Other rows are unchanged."""
        edge = self._window.last_edge(time) if self.kind == "window" and time is not None else None
        if edge is None:
            return self
        return replace(self, type=edge.type, attrs={"name": self.name, "at": format_time(edge.at)})

    def following(self, since: datetime, granularity: int) -> datetime | None:
        """The first due time after `since`; None if there is none, or only after `until`."""
        return self.next_after(since, granularity).due

    def next_after(self, since: datetime, granularity: int) -> Next:
        """The first due time after `since`, and the time asked for; without one after `until`."""
        if self.timespec is None:
            return ENDED
        if self.kind == "window":
            edge = self._window.next_edge(since)
            return ENDED if edge is None else Next(_rounded(edge.at, granularity))
        off = self.put_off
        timespec = Timespec.parse(self.timespec, self.tz, self.almanac)
        occurrence = timespec.after(shifted(since, -off))
        due = None if occurrence is None else _rounded(occurrence, granularity)
        if due is None or due > LAST - off:  # put off, it would be past the year 9999
            return ENDED
        due += off
        if self.until is not None and due > self.until:
            return ENDED
        return Next(due, None if due == occurrence else occurrence)

    def passed(self, now: datetime, granularity: int) -> int:
        """How many occurrences of a repeat have come up to `now`, the current one included.

        At most MOST_COUNTED; 1 for one that does not repeat.
        """
        if self.timespec is None or self.due is None or (now - self.due < SECOND and not self.moved_from):
            return 1
        if self.kind == "window":
            coming = takewhile(lambda edge: edge.at <= now, self._window.edges(self.due))
            return 1 + sum(1 for _ in islice(coming, MOST_COUNTED - 1))
        off, last = self.put_off, now if self.until is None else min(now, self.until)
        # One that was moved stands for the time it was moved from, and for those it was moved past.
        since = self.moved_from or self.due
        return 1 + _count(self.read(self.timespec), shifted(since, -off), shifted(last, -off), granularity)

    def stands_for(self, now: datetime, granularity: int) -> int:
        """How many occurrences one accounts for that is raised now; none was to come after its last."""
        is_last = self.count is not None and self.fires + 1 >= self.count
        return 1 if is_last else self.passed(now, granularity)

    @property
    def _window(self) -> Window:
        """Of a window: what its name and its timespec write."""
        return read_window(self.name or "", self.timespec or "", self.tz, self.almanac)


SECONDS = COUNT._replace(
    json=float, of_json=f"round(told.number({{name}}, 0, {MOST_JITTER}) * 1000)", to_json="{v} / 1000"
)
"""Milliseconds; in JSON, seconds."""

SCHEDULED = Table(
    "scheduled",
    Scheduled,
    Field("id", NAME),
    Field("pico_id", NAME, column="pico", json="pico"),
    Field("rid", TEXT),
    Field("event", NAME, column=None, says="`domain:type`"),
    Field("domain", NAME, json=None, read="told.text('event').partition(':')[0]"),
    Field("type", NAME, json=None, read="told.text('event').partition(':')[2]"),
    Field("attrs", MAP),
    Field("kind", TEXT),
    Field("status", word(Status)),
    Field("due", TIME.maybe),
    Field("asked", TIME.maybe, says="The time asked for, if the due time was rounded or put off."),
    Field("timespec", TEXT.maybe),
    Field("tz", TEXT),
    Field("name", TEXT.maybe, label="name"),
    Field("description", TEXT.maybe),
    Field("created", TIME),
    Field(
        "made_by", TEXT, column=None, json="created_by", says="`rid.rule:line`, or who made it from outside."
    ),
    Field("rule", TEXT.maybe),
    Field("line", COUNT.maybe),
    Field("fires", COUNT),
    Field("fired", TIME.maybe),
    Field("paused", FLAG, column=None),
    Field("paused_until", TIME.maybe),
    Field("misfire", word(Misfire).maybe),
    Field("until", TIME.maybe),
    Field("count", COUNT.maybe, read=f"told.maybe_whole('count', 1, {MOST_COUNT})"),
    Field("jitter", SECONDS, says="Seconds by which it may be put off."),
    Field("moved_from", TIME.maybe),
    Field("window", TEXT.maybe, column="in_window", says="The window outside which it is not raised."),
    Field("retry", COUNT.maybe, label="tries again"),
    Field("tries", COUNT, read="told.whole('tries', 0)", says="Failed tries of the current occurrence."),
    Field("on_failure", TEXT.maybe, label="on failure"),
    Field("failures", COUNT, read="told.whole('failures', 0)", says="Failed occurrences in a row."),
    Field("late_after", SECONDS.maybe, says="Seconds.", label="late after"),
    Field("overlap", word(Overlap).maybe, label="overlap"),
    Field(
        "held",
        FLAG,
        read="told.has('held') and told.flag('held')",
        says="Whether it waits for the end of the occurrence before.",
    ),
    Field("started_by", TEXT.maybe, json=None),
    Field("machine", TEXT.maybe, json=None),
    Field("keep_until", TIME.maybe, json=None),
    Field("eci", TEXT.maybe, json=None),
    Field("spaced_from", TIME.maybe, json=None),
    Field("trace", TEXT.maybe, json=None),
)


SECOND, NONE = timedelta(seconds=1), timedelta(0)


@lru_cache(maxsize=1024)
def _count(spec: Timespec, after: datetime, until: datetime, granularity: int) -> int:
    """Due times after `after` and up to `until`. Rows that were missed together share the answer."""
    counted = 0
    due = next_due(spec, after, granularity)
    while due is not None and due <= until and counted < MOST_COUNTED - 1:
        counted += 1
        due = next_due(spec, due, granularity)
    return counted


def next_due(timespec: Timespec, since: datetime, granularity: int) -> datetime | None:
    """The first occurrence after `since`, rounded up; None if there is none up to the end of year 9999."""
    occurrence = timespec.after(since)
    return None if occurrence is None else _rounded(occurrence, granularity)


def _rounded(time: datetime, granularity: int) -> datetime | None:
    """The time, rounded up; None if that lies beyond the end of year 9999. Each due row comes here."""
    try:
        return time + (EPOCH - time) % timedelta(seconds=granularity)
    except OverflowError:
        return None
