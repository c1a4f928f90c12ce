"""Placement: which machine looks for what is due in which shards.

The machines of a database share its shards out evenly. Each holds a lock of its session for each shard it
takes: whoever dies loses session, locks and open transaction in one moment, and the others take the shards at
their next look, a fraction of a second later. A machine that is silent for three seconds, as one that was
stopped or cut off, has its session ended by the others. One that stops cleanly lets its shards go: first all
those in which nothing is under way, so that nobody's events wait for the answers that others wait for.

All this is a preference and no proof. If two machines believed that they have the same shard, or none did,
due rows would come late and none twice: the locks of the transactions decide (`store/shards.py`).

One thread, with a session of its own, tells that we are alive, listens, and decides; it waits for nothing
else, so that a long turn is not taken for silence. Another does what was decided, between two transactions.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import NamedTuple
from urllib.parse import urlsplit

from picosched.clock import ticks
from picosched.errors import PicoschedError
from picosched.store.machines import SILENT_MS, Heartbeat, Machine, Machines, Watch
from picosched.store.shards import SHARDS
from picosched.turns.commit import GroupCommit

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.15
"""How often it looks for shards that are free."""

BEAT_SECONDS = 1.0

LATELY_MS = 3 * SILENT_MS
"""A machine that has been dead for longer is no news to one that starts."""

ANY, LOOPBACK = ("0.0.0.0", "::"), ("localhost", "127.0.0.1", "::1")
"""Hosts that a server may be bound to."""

PAUSE_SECONDS = 1.0
"""How long to wait after the database failed."""


class Part(NamedTuple):
    """What this process does of the work on a database."""

    shards: int
    machines: int
    """How many share it out, this one included."""


class Share(NamedTuple):
    """What was decided. An empty one connects again if the session was lost, looks for what changed, and ends
    the programs that have to end."""

    take: Sequence[int] = ()
    let_go: Sequence[int] = ()
    dead: Sequence[Machine] = ()
    """Machines that ended without a word."""


def shared_out(me: str, alive: Collection[str], own: Collection[int], taken: Collection[int]) -> Share:
    """What to take or let go, so that in the end each of the machines `alive` has its share."""
    place, number = sorted(alive).index(me), len(alive)
    most = SHARDS // number + (place < SHARDS % number)
    if len(own) > most:
        return Share(let_go=sorted(own)[most:])
    first = place * SHARDS // number  # so that two do not try the same ones
    free = sorted({*range(SHARDS)} - {*taken}, key=lambda shard: (shard - first) % SHARDS)
    return Share(take=free[: most - len(own)])


def _is_reachable(address: str, there: str, here: str) -> bool:
    """Whether the server at a URL can be the one of a machine, by the hosts of that one and of this."""
    host = urlsplit(address).hostname or ""
    if host in ANY:
        return False
    return host not in LOOPBACK or there == here


class Placement:
    """Has this process take part in the work on a database, from `start` to `stop`."""

    def __init__(
        self,
        machines: Machines,
        commits: GroupCommit,
        heartbeat: Callable[[], Heartbeat],
        find_secret: Callable[[], str],
        died: Callable[[Machine], None],
        take_over: Callable[[], None],
        changed: Callable[[], None],
        news: Callable[[], None],
    ) -> None:
        self._machines = machines
        self._commits = commits
        self._heartbeat = heartbeat
        self._find_secret = find_secret
        self.secret: str | None = None
        """By which the servers of one database know each other."""
        self.servers: Mapping[int, str] = {}
        """Shards of other machines → the URLs of their servers."""
        self._died = died
        """Called for each machine that died, before its shards are taken."""
        self._take_over = take_over
        """Called just before shards are taken that may be those of a machine that died, inside the lock."""
        self._changed = changed
        """Called after the own shards changed, or who is alive; and with a new session."""
        self._news = news
        """Called after another process wrote in own shards."""
        self._watch: Watch | None = None
        self._told = 0.0
        """When the last heartbeat was written."""
        self._looked = 0.0
        self._others: Mapping[str, bool] = {}
        """Id of another machine → whether it had its session at the last look."""
        self._dead: frozenset[str] = frozenset()
        """Machines known to be dead whose row is still there."""
        self._unowned: frozenset[int] = frozenset()
        """Shards that at the last look were held by a session of no machine."""
        self._working = 0
        """How many machines are at work, as far as we know."""
        self._change = threading.Condition()
        """Guards `_share`."""
        self._share: Share | None = None
        self._leaving = False
        """Whether this machine will let its shards go as soon as what is under way has ended."""
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []

    @property
    def part(self) -> Part | None:
        """None before `start` and after `stop`."""
        own = self._machines.own
        return None if own is None else Part(len(own), self._working)

    def start(self) -> None:
        """Take what is free now; the rest comes as the others let it go."""
        if self._threads:
            return
        self._stopping.clear()
        self._leaving = False
        self._watch, self._told = self._machines.watch(), 0.0
        self.secret = self._commits.run(self._find_secret)
        self._machines.take_part(True)
        self._look(self._watch)
        self._do(self._share or Share())
        self._share = None
        works = (("watching", self._keep_watching), ("placing", self._keep_placing))
        self._threads = [
            threading.Thread(target=work, name=f"picosched {name}", daemon=True) for name, work in works
        ]
        for thread in self._threads:
            thread.start()

    def leave(self) -> None:
        """Tell the others that `stop` will follow, once what is under way has ended; take no more shards."""
        self._leaving = True
        self._told = 0.0  # at the next look

    def hand_over(self, busy: Collection[int] = ()) -> None:
        """After `leave`: let all shards go but the `busy` ones, so that the others can take them at once."""
        if self._threads:
            try:
                self._commits.read(
                    self._machines.let_go, (self._machines.own or frozenset()).difference(busy)
                )
            except PicoschedError as error:
                log.warning("the shards will be free when the session ends: %s", error)

    def stop(self) -> None:
        """Let all shards go, and take no part any more."""
        if not self._threads:
            return
        self._leaving = True
        self._stopping.set()
        self.hand_over()
        with self._change:
            self._change.notify_all()
        for thread in self._threads:
            thread.join()
        self._threads = []
        try:
            if self._watch is not None:
                self._watch.leave(self._heartbeat().id)  # not before, or they would be taken for nobody's
        except PicoschedError as error:
            log.warning("the others will find that this machine has ended: %s", error)
        finally:
            self.servers = {}
            self._machines.take_part(False)
            self._close()

    # Watching

    def _keep_watching(self) -> None:
        failing = False
        while not self._stopping.is_set():
            try:
                if self._watch is None:
                    self._watch, self._told = self._machines.watch(), 0.0
                    self._news()  # there may have been some since the last one ended
                    self._order(Share())
                news = self._watch.wait(LOOK_SECONDS)
                if news.shards & (self._machines.own or frozenset()):
                    self._news()
                if self._heartbeat().id in news.ends:
                    self._order(Share())
                if news.moved or ticks() - self._looked >= LOOK_SECONDS:
                    self._look(self._watch)
                failing = False
            except Exception as error:
                self._close()
                if failing:
                    self._stopping.wait(PAUSE_SECONDS)
                else:  # the session was cut, and there is another one at once
                    log.warning("the other machines cannot be watched: %s", error)
                failing = True

    def _close(self) -> None:
        if self._watch is not None:
            self._watch.close()
            self._watch = None

    def _look(self, watch: Watch) -> None:
        self._looked = now = ticks()
        heartbeat, own = self._heartbeat()._replace(leaving=self._leaving), self._machines.own or frozenset()
        tells = now - self._told >= BEAT_SECONDS
        survey = watch.survey(heartbeat, tells=tells)
        if tells:
            self._told = now
        mine = next((each for each in survey.machines if each.id == heartbeat.id), None)
        if mine is None or not mine.alive:  # our row was removed, or the session that writes was lost
            self._told = 0.0
            self._order(Share())
            return
        others = [each for each in survey.machines if each.id != heartbeat.id]
        working = [each for each in others if each.alive and each.silent <= SILENT_MS]
        dead = [each for each in others if not each.alive and each.silent <= LATELY_MS]
        self.servers = {
            shard: each.address
            for each in working
            if each.address and _is_reachable(each.address, each.host, heartbeat.host)
            for shard in each.shards
        }
        staying = [each for each in working if not each.leaving]
        self._working = 1 + len(staying)
        if self._leaving:
            return
        share = shared_out(heartbeat.id, [heartbeat.id, *(each.id for each in staying)], own, survey.taken)
        share = share._replace(dead=[each for each in dead if each.id not in self._dead])
        self._dead = frozenset(each.id for each in dead)
        self._end_silent(watch, others, survey.taken.difference(*(each.shards for each in survey.machines)))
        before, self._others = self._others, {each.id: each.alive for each in others}
        if any(share) or before != self._others:
            self._order(share)

    def _end_silent(self, watch: Watch, others: Sequence[Machine], unowned: frozenset[int]) -> None:
        """End the sessions of silent machines, and those that have shards and belong to none."""
        silent = {each.id: each for each in others if each.silent > SILENT_MS}
        if silent or unowned & self._unowned:
            for id in watch.end_silent(SILENT_MS):
                if id in silent and silent[id].alive:
                    log.warning("the machine %s was silent: its session is ended", silent[id].name)
        self._unowned = unowned

    def _order(self, share: Share) -> None:
        with self._change:
            known = () if self._share is None else self._share.dead
            self._share = share._replace(dead=(*known, *share.dead))
            self._change.notify_all()

    # Placing

    def _keep_placing(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._share is not None or self._stopping.is_set())
                share, self._share = self._share, None
            if self._stopping.is_set() or share is None:
                return
            try:
                self._do(share)
            except Exception as error:
                log.warning("shards cannot be taken or let go: %s", error)
                self._stopping.wait(PAUSE_SECONDS)
                self._order(Share())

    def _take(self, share: Share) -> None:
        if self._leaving:  # since it was decided
            return
        if share.dead or self._dead:
            self._take_over()
        self._machines.take(share.take)

    def _do(self, share: Share) -> None:
        for machine in share.dead:
            log.warning("the machine %s died", machine.name)
            self._died(machine)
        if share.let_go:
            self._commits.read(self._machines.let_go, share.let_go)
        if share.take:
            self._commits.read(self._take, share)
        if share.take or share.let_go:
            log.info("this machine has %d shards", len(self._machines.own or ()))
        self._changed()
