"""The processes that work on one database, called machines: what each has to know of the others.

A machine has an id of its own, for as long as it runs, and a row with its heartbeat. It takes shards, to look
for what is due in them, and holds a lock of its session for each, so that they are free once it is dead.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, NamedTuple, Protocol

from picosched.clock import format_time, from_ms

SILENT_MS = 3_000
"""A machine that has not told for as long that it is alive is ended by the others."""


class Machine(NamedTuple):
    """A machine, as its row and the database's list of sessions have it. A time is in ms since 1970."""

    id: str
    name: str
    """Its process and host, for people."""
    host: str
    address: str | None
    """The URL of its server, if it has one."""
    started: int
    silent: int
    """Milliseconds since its last heartbeat."""
    raised: int
    """Events raised since it started."""
    lag: int
    """Milliseconds for which the first of its due rows had been waiting, at its last heartbeat."""
    leaving: bool
    """Whether it is stopping in order, and about to let its shards go."""
    alive: bool
    """Whether it has its session still."""
    shards: tuple[int, ...]

    @property
    def state(self) -> str:
        """`up`; `leaving`; `silent`; `gone`, without its session; or `idle`, without shards yet."""
        if not self.alive:
            return "gone"
        if self.silent > SILENT_MS:
            return "silent"
        if self.leaving:
            return "leaving"
        return "up" if self.shards else "idle"

    def as_json(self) -> dict[str, Any]:
        """Its fields and its state, the start as a text."""
        started = format_time(from_ms(self.started))
        return {**self._asdict(), "started": started, "shards": [*self.shards], "state": self.state}


class Heartbeat(NamedTuple):
    """What a machine says of itself."""

    id: str
    name: str
    host: str
    address: str | None
    started: int
    raised: int
    lag: int
    leaving: bool = False


class Survey(NamedTuple):
    """All machines at one moment."""

    machines: Sequence[Machine]
    taken: frozenset[int]
    """Shards that some session holds."""


class News(NamedTuple):
    """What a machine hears of others."""

    shards: frozenset[int]
    """Shards in which somebody wrote."""
    moved: bool
    """Whether some were let go."""
    ends: frozenset[str] = frozenset()
    """The ids of machines with programs that have to end."""


class Watch(Protocol):
    """A session beside the one that writes: hears of what others write, and tells that we are alive."""

    def wait(self, seconds: float) -> News:
        """Wait for news."""
        ...

    def survey(self, heartbeat: Heartbeat | None = None, *, tells: bool = True) -> Survey:
        """Look at all machines, after writing our heartbeat if we are one."""
        ...

    def end_silent(self, silent_ms: int) -> list[str]:
        """End the sessions of machines silent for longer, and of nobody; the ids of the rows removed.

        A session that has not lasted for as long waits: when the database was away, all were silent.
        """
        ...

    def leave(self, id: str) -> None:
        """Remove the row of a machine that stops cleanly, and tell the others."""
        ...

    def close(self) -> None:
        """End the session."""
        ...


class Machines(Protocol):
    """The part of a database that several machines share."""

    own: frozenset[int] | None
    """The shards to look for due rows in; None for all of them, if this process takes no part."""

    def take_part(self, part: bool) -> None:
        """Whether this process looks for due rows in shards of its own only; it has none at first."""
        ...

    def take(self, shards: Collection[int]) -> None:
        """Add shards to the own ones, except for those that another session holds."""
        ...

    def let_go(self, shards: Collection[int]) -> None:
        """Remove shards from the own ones, and tell the others that they are free."""
        ...

    def tell(self, shard: int) -> None:
        """Inside a transaction: tell whoever has this shard, once it is committed."""
        ...

    def tell_of_end(self, machine: str) -> None:
        """Inside a transaction: tell a machine, once it is committed, that programs of its have to end."""
        ...

    def hold(self, id: str) -> bool:
        """Mark something as ours, for as long as the session lasts; False if another session has it.

        Whoever gets a new session has the mark there too, unless somebody else has taken it meanwhile.
        """
        ...

    def release(self, id: str) -> None:
        """Take the mark of `hold` away."""
        ...

    def living(self) -> Collection[str]:
        """The ids of machines that may be alive, even if they have lost their session: they told so lately,
        or there was no time yet to hear of them.
        """
        ...

    def watch(self) -> Watch:
        """A new session that watches; the caller closes it."""
        ...
