"""The machines that work on one schema: their shards, marks and news, and the session that watches them.

Shards and marks are advisory locks of the session that writes. Shard S of the schema with the number N has
the key (SHARD_KEY, N * 512 + S), with the remainder of N that fits; a mark has a hash of its id.

News of rows in shards of others go out with the transaction that wrote them, as a notification with the
numbers of the shards, and after `end:` the ids of machines that have to end programs. An empty one says that
shards were let go.

A machine is silent if its heartbeat is old. That tells something only to a session that is older than that:
after PostgreSQL was away all heartbeats are old, whichever machine comes back first.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

import psycopg

from picosched.clock import ticks
from picosched.store.faults import StoreError
from picosched.store.machines import SILENT_MS, Heartbeat, Machine, Machines, News, Survey, Watch
from picosched.store.postgres import schema
from picosched.store.postgres.faults import fault
from picosched.store.postgres.session import KEY, SCHEMA, Session
from picosched.store.shards import SHARDS, SHARED

SHARD_KEY = 0x73686172
"""The letters `shar`."""
OF_SCHEMA = f"(({SCHEMA})::bigint % 4194304 * 512)"
CHANNEL = f"'picosched_' || ({SCHEMA})::text"
HERE = "database = (SELECT oid FROM pg_database WHERE datname = current_database())"
NOW = "(extract(epoch FROM clock_timestamp()) * 1000)::bigint"
HASH = f"hashtextextended($1, ({SCHEMA})::bigint)"

TAKE = f"""SELECT shard FROM unnest($1::bigint[]) AS shard
    WHERE pg_try_advisory_lock({SHARD_KEY}, ({OF_SCHEMA} + shard)::integer)"""
LET_GO = f"""SELECT pg_advisory_unlock({SHARD_KEY}, ({OF_SCHEMA} + shard)::integer), pg_notify({CHANNEL}, '')
    FROM unnest($1::bigint[]) AS shard"""
HOLD = f"SELECT pg_try_advisory_lock({HASH})"
RELEASE = f"SELECT pg_advisory_unlock({HASH})"
TELL = f"SELECT pg_notify({CHANNEL}, $1)".encode()

HEARTBEAT = f"""INSERT INTO machine (id, name, host, address, started, raised, lag, leaving, session, seen)
    SELECT $1, $2, $3, $4, $5, $6, $7, $8, $9, {NOW} FROM picosched WHERE version = $10
    ON CONFLICT (id) DO UPDATE SET address = excluded.address, raised = excluded.raised, lag = excluded.lag,
        leaving = excluded.leaving, session = excluded.session, seen = excluded.seen
    RETURNING id"""
"""Not into tables that a newer version has changed meanwhile."""
MACHINES = f"""SELECT id, name, host, address, started, {NOW} - seen, raised, lag, leaving <> 0, session
    FROM machine ORDER BY started, id"""
SESSIONS = f"""SELECT pid, CASE WHEN classid = {SHARD_KEY} THEN objid::bigint % 512 END FROM pg_locks
    WHERE locktype = 'advisory' AND granted AND objsubid = 2 AND {HERE}
        AND (classid = {SHARD_KEY} AND objid::bigint / 512 = {OF_SCHEMA} / 512
            OR classid = {KEY} AND objid::bigint = ({SCHEMA})::bigint % 2147483648)"""
END_SILENT = f"""WITH holding AS (
        SELECT pid, bool_or(shard IS NOT NULL) AS placed FROM ({SESSIONS}) AS held (pid, shard) GROUP BY pid),
    alive AS (SELECT session AS pid FROM machine WHERE {NOW} - seen <= $1)
    SELECT pg_terminate_backend(pid) FROM holding WHERE pid NOT IN (SELECT pid FROM alive)
        AND (placed OR pid IN (SELECT session FROM machine))"""
LIVING = f"SELECT id FROM machine WHERE {NOW} - seen <= $1"
LONG_SILENT_MS = 600_000
"""A silence that tells even a new session something, so that no rows pile up where none lasts long."""
EVER = 2**62
"""A silence longer than any, in ms."""
REMOVE_SILENT = f"DELETE FROM machine WHERE {NOW} - seen > $1 RETURNING id"
LEAVE = f"DELETE FROM machine WHERE id = $1 AND pg_notify({CHANNEL}, '') IS NOT NULL"

END = "end:"
"""Before the id of a machine in a notification."""

Run = Callable[[bytes, Sequence[Any]], psycopg.Cursor[Any]]


class PostgresMachines(Machines):
    """What the session that writes has of it; `run` runs a statement there."""

    def __init__(self, run: Run, watch: Callable[[], Watch]) -> None:
        self._run = run
        self._watch = watch
        self.own: frozenset[int] | None = None
        self.among: str | None = None
        """The own shards as a value for a statement; None if they are all there are."""
        self._since = ticks()
        """When the session began."""
        self._held: dict[str, bool] = {}
        """What is ours → whether the session has its mark."""
        self._changed: set[int] = set()
        """Shards in which the open transaction writes."""
        self._ending: set[str] = set()
        """Machines of programs that it wants to end."""

    def take_part(self, part: bool) -> None:
        self.own, self.among = (frozenset(), "{}") if part else (None, None)

    def take(self, shards: Collection[int]) -> None:
        own = self.own or frozenset()
        wanted = [*{*shards} - own]  # a lock that was taken twice would have to be let go twice
        found = self._run(TAKE.encode(), (wanted,)).fetchall() if wanted else []
        self._have(own | {shard for (shard,) in found})

    def let_go(self, shards: Collection[int]) -> None:
        own = self.own or frozenset()
        gone = own & {*shards}
        self._have(own - gone)
        if gone:
            self._run(LET_GO.encode(), ([*gone],))

    def lost(self) -> None:
        """The session is gone, and the locks with it."""
        if self.own is not None:
            self._have(frozenset())

    def _have(self, own: frozenset[int]) -> None:
        self.own = own
        self.among = None if len(own) == SHARDS else f"{{{','.join(map(str, sorted(own)))}}}"

    def tell(self, shard: int) -> None:
        self._changed.add(shard)

    def tell_of_end(self, machine: str) -> None:
        self._ending.add(machine)

    def locked(self, shards: Collection[int]) -> None:
        """The open transaction locked shards, and may write in them."""
        self._changed.update(shards)

    def begin(self) -> None:
        """A transaction begins."""
        self._changed.clear()
        self._ending.clear()

    def news(self) -> str:
        """What others should know of this transaction: shards of theirs, and who has to end programs; "" for
        nothing."""
        shards = (str(each) for each in self._changed - (self.own or frozenset()) if each != SHARED)
        return " ".join([*shards, *(f"{END}{machine}" for machine in self._ending)])

    def hold(self, id: str) -> bool:
        held = self._held.get(id, False) or self._mark(id)
        if held:
            self._held[id] = True
        return held

    def _mark(self, id: str) -> bool:
        return bool(self._run(HOLD.encode(), (id,)).fetchall()[0][0])

    def release(self, id: str) -> None:
        self._held.pop(id, None)
        self._run(RELEASE.encode(), (id,))

    def reopened(self) -> None:
        """There is a new session: mark again what is ours."""
        self._since = ticks()
        self._held = dict.fromkeys(self._held, False)
        for id in self._held:
            self._held[id] = self._mark(id)

    def living(self) -> Collection[str]:
        silent = SILENT_MS if _is_older(self._since) else EVER
        return {id for (id,) in self._run(LIVING.encode(), (silent,))}

    def watch(self) -> Watch:
        return self._watch()


class PostgresWatch(Watch):
    """The session that watches. `session_of` gives the number of the one that writes."""

    def __init__(self, session: Session, name: str, session_of: Callable[[], int]) -> None:
        self._session = session
        self._name = name
        self._session_of = session_of
        self._since = ticks()
        self._ask("SET synchronous_commit = off")  # a heartbeat may be lost
        ((channel,),) = self._ask(f"SELECT {CHANNEL}")
        self._ask(f"LISTEN {channel}")

    def wait(self, seconds: float) -> News:
        try:
            heard = [*self._session.notifies(timeout=seconds, stop_after=1)]
            heard += self._session.notifies(timeout=0)
        except psycopg.Error as cause:
            raise fault(cause, self._name) from cause
        words = {word for each in heard for word in each.payload.split()}
        ends = frozenset(word.removeprefix(END) for word in words if word.startswith(END))
        shards = frozenset(int(word) for word in words if not word.startswith(END))
        return News(shards, any(not each.payload for each in heard), ends)

    def survey(self, heartbeat: Heartbeat | None = None, *, tells: bool = True) -> Survey:
        if heartbeat is not None and tells:
            self._tell(heartbeat)
        rows, held = self._ask(MACHINES), self._ask(SESSIONS)
        alive = {pid for pid, shard in held if shard is None}
        shards: dict[int, list[int]] = {}
        for pid, shard in held:
            if shard is not None:
                shards.setdefault(pid, []).append(shard)
        found = [Machine._make((*of_row, pid in alive, tuple(shards.get(pid, ())))) for *of_row, pid in rows]
        return Survey(found, frozenset(shard for _, shard in held if shard is not None))

    def _tell(self, heartbeat: Heartbeat) -> None:
        if not self._ask(HEARTBEAT, (*heartbeat, self._session_of(), len(schema.MIGRATIONS))):
            raise StoreError(f"the tables of {self._name} were changed by a newer picosched")

    def end_silent(self, silent_ms: int) -> list[str]:
        if not _is_older(self._since):
            silent_ms = max(silent_ms, LONG_SILENT_MS)
        self._ask(END_SILENT, (silent_ms,))
        return [id for (id,) in self._ask(REMOVE_SILENT, (silent_ms,))]

    def leave(self, id: str) -> None:
        self._ask(LEAVE, (id,))

    def close(self) -> None:
        self._session.close()

    def _ask(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        try:
            cursor = self._session.execute(sql.encode(), values)
            return cursor.fetchall() if cursor.description else []
        except psycopg.Error as cause:
            raise fault(cause, self._name) from cause


def _is_older(since: float) -> bool:
    """Whether a session that began then is older than the silence of a machine that has to be ended."""
    return ticks() - since > SILENT_MS / 1_000
