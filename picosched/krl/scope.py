"""What compiled KRL may see and do: `Scope`, `Effects`.

A ruleset compiles to closures over one `Scope`: which ruleset this is, in which pico, the event at hand,
and the `Effects` it speaks to. Rules do nothing themselves; every verb of `Effects` says what shall be
done, and a turn collects it. The scope's `Budget` bounds what all of it may cost.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Protocol

from picosched.krl.budget import Budget

Value = Any
"""A KRL value: None, bool, int, float, str, list, dict with str keys, Regex, a function, an Action."""


class Event(Protocol):
    """An event as compiled code sees it."""

    @property
    def eid(self) -> str: ...
    @property
    def eci(self) -> str | None: ...
    @property
    def domain(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def attrs(self) -> dict[str, Value]: ...
    @property
    def time(self) -> datetime: ...


class ScheduledEvent(Protocol):
    """A pending scheduled event as the event and schedule modules show it."""

    @property
    def id(self) -> str: ...
    @property
    def rid(self) -> str: ...
    @property
    def domain(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def attrs(self) -> Mapping[str, Value]: ...
    @property
    def kind(self) -> str: ...  # "at" or "repeat"
    @property
    def due(self) -> datetime | None: ...  # None once finished
    @property
    def timespec(self) -> str | None: ...
    @property
    def name(self) -> str | None: ...
    @property
    def fired(self) -> datetime | None: ...  # the last fire
    @property
    def keep_until(self) -> datetime | None: ...  # of a finished one: when its record is pruned
    @property
    def tz(self) -> str: ...
    @property
    def description(self) -> str | None: ...
    @property
    def paused(self) -> bool: ...
    @property
    def paused_until(self) -> datetime | None: ...
    @property
    def status(self) -> str: ...  # "pending", "paused", "finished" or "cancelled"


class Window(Protocol):
    """A named span of time that comes again and again, as the window module shows it."""

    @property
    def tz(self) -> str: ...

    def open_at(self, time: datetime) -> bool: ...

    def next_opening(self, after: datetime) -> datetime | None: ...

    def next_closing(self, after: datetime) -> datetime | None: ...


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What a rule asks of the world outside: a method, an absolute URL with its query, headers, a body."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    auth: tuple[str, str] | None = None
    redirects: bool = True
    """Whether redirects are followed."""


@dataclass(frozen=True, slots=True)
class HttpResponse:
    """What came back; `status` 0 and the reason as text where nothing could."""

    status: int
    reason: str
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


@dataclass(frozen=True, slots=True)
class Program:
    """What a rule has run: the absolute path of a program, and what it is given."""

    path: str
    args: tuple[str, ...] = ()
    env: tuple[tuple[str, str], ...] = ()
    cwd: str | None = None
    stdin: str | None = None
    timeout: float | None = None
    """Seconds; None for the usual ones."""
    name: str | None = None


class Family(Protocol):
    """What a rule may see and change of its pico and of the picos around it."""

    def view(self) -> Mapping[str, Value]:
        """id, name, parent (an eci or null), children (ecis), channels and rulesets of the pico."""

    def logs(self) -> list[Value]:
        """What the rules of this pico logged lately, the oldest first: time, level, rid, rule, value."""

    def ask(self, eci: str, rid: str, name: str, args: Mapping[str, Value]) -> Value:
        """The answer to a query of another pico."""

    def journal(self, limit: int) -> list[Value]:
        """The last turns of this pico, the newest first."""

    def can_ask(self, eci: str, rid: str) -> bool:
        """Whether the pico behind an eci has that ruleset and may be asked now."""

    def find_tagged(self, tags: Sequence[str]) -> str | None:
        """The eci of the channel of this pico that has just these tags."""

    def new_pico(
        self,
        name: str,
        rulesets: Sequence[tuple[str, Mapping[str, Value]]],
        channels: Sequence[Mapping[str, Value]] = (),
    ) -> str:
        """Make a child with rulesets from these URLs and their configurations; the eci to reach it by.

        `channels` are what it has besides, each {"tags", "eventPolicy", "queryPolicy"}.
        """

    def delete_pico(self, eci: str) -> None: ...

    def put_channel(
        self, eci: str | None, tags: Sequence[str], events: Value, queries: Value
    ) -> Mapping[str, Value]:
        """Make a channel, or change the one of that eci; policies are {"allow": […], "deny": […]}."""

    def delete_channel(self, eci: str) -> None: ...

    def install(self, url: str, config: Mapping[str, Value]) -> str:
        """Install a ruleset on this pico; its rid."""

    def flush(self, url: str) -> None:
        """Read the text behind a URL anew, for the rulesets of this pico that came from there."""

    def uninstall(self, rid: str) -> None: ...


class Agenda(Protocol):
    """What a rule may see and change of what is scheduled: only what its own ruleset made in this pico.

    A change says whether there was such a row to come. Times and timespecs are read here: KrlError if
    they are invalid.
    """

    def schedule(
        self, domain: str, type: str, attrs: Value, line: int, *, at: Value = None, repeat: Value = None
    ) -> str:
        """Make an event for later and return its id. `line` is that of the statement."""

    def send(self, eci: str, domain: str, type: str, attrs: Value) -> str:
        """Raise an event in another pico, once this turn is durable; its eid."""

    def run(self, program: Program) -> str:
        """Run a program, once this turn is durable; the id of the run."""

    def cancel(self, id: str) -> bool: ...

    def pause(self, id: str, until: Value = None) -> bool:
        """Let it wait, `until` then or until it is resumed."""

    def resume(self, id: str) -> bool: ...

    def move(self, id: str, to: Value) -> bool:
        """Give its next occurrence another time."""

    def reschedule(self, id: str, timespec: Value, tz: Value = None) -> bool:
        """Repeat it by another timespec from now on; in the zone it had, unless one is given."""

    def fire_now(self, id: str) -> bool:
        """Raise its event in this turn, outside its times."""

    def pending(self) -> Sequence[ScheduledEvent]:
        """What is still to come, paused ones too, soonest first."""

    def matching(self, which: Value) -> Sequence[ScheduledEvent]:
        """Those of them that a map means: name, domain, type, kind, text, since, until, paused.

        KrlError for any other key, and for an invalid value.
        """

    def find(self, id: str) -> ScheduledEvent | None:
        """One of them, or one that is finished."""

    def show(self, id: str) -> Mapping[str, Value] | None:
        """All there is to say of one, whatever its status, as plain values."""

    def next_times(self, id: str, count: int) -> Sequence[datetime]:
        """When it is due next, `count` times at most; none while it is paused."""

    def fires(self, id: str, limit: int) -> Sequence[Mapping[str, Value]]:
        """What became of its occurrences, newest first, as plain values."""


class Sources(Protocol):
    """What a rule of the root pico may see and change of the sources of events; `id` may be a name."""

    def add(self, declaration: Mapping[str, Value]) -> str:
        """Make a source, once this turn is durable; its id. KrlError for what is wrong in its declaration."""

    def remove(self, id: str) -> bool: ...

    def pause(self, id: str, until: Value = None) -> bool:
        """Let it wait, `until` then or until it is resumed."""

    def resume(self, id: str) -> bool: ...

    def list(self) -> Sequence[Mapping[str, Value]]:
        """All there are, as plain values."""


class Effects(Protocol):
    """The verbs a rule has. A query's effects refuse all but reading and logging."""

    @property
    def family(self) -> Family: ...

    @property
    def agenda(self) -> Agenda: ...

    @property
    def sources(self) -> Sources: ...

    def direct(self, name: str, options: Value) -> None:
        """Give the caller a directive."""

    def entity(self, rid: str, name: str) -> Value:
        """The value of `ent:name`, None where there is none; with `rid` led by "app:" that of `app:name`."""

    def set_entity(self, rid: str, name: str, value: Value) -> None:
        """Set `ent:name`; None deletes it."""

    def raise_event(self, domain: str, type: str, attrs: Value, rids: Sequence[str] | None = None) -> None:
        """Raise an event in this turn, to every ruleset or to those of `rids`."""

    def http(self, request: HttpRequest) -> HttpResponse:
        """Ask the world outside and wait for its answer: at least once, for a turn may be tried again."""

    def log(self, level: str, value: Value) -> None: ...

    def error(self, level: str, value: Value) -> None:
        """Raise `system:error` for this ruleset; level "error" also ends the turn's other events."""


@dataclass(slots=True)
class Scope:
    """One ruleset in one pico, and what it handles just now."""

    rid: str
    pico_id: str
    budget: Budget
    effects: Effects
    now: Callable[[], datetime]
    random: random.Random
    meta: Mapping[str, Value]
    """Of the ruleset: name, description, author, version, url, hash."""
    config: Mapping[str, Value]
    event: Event | None = None
    rule: str | None = None
    windows: Mapping[str, Window] = field(default_factory=dict)
    """The windows that the ruleset sees: its own, and those of the engine's configuration."""
