"""A cache of recently used picos, channels and compiled rulesets.

Everything here can be read from the store again. A ruleset text is compiled once, however many picos have
it. A ruleset that no longer compiles is left out of its picos, so that the others keep working.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Mapping, Sequence
from copy import copy
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, TypeVar
from urllib.parse import unquote, urlsplit

from picosched import standard
from picosched.clock import format_time
from picosched.errors import KrlError, PicoschedError
from picosched.krl.budget import Budget
from picosched.krl.size import charge
from picosched.krl.source import read_source
from picosched.krl.urls import origin, without_user
from picosched.outside.addresses import Addresses
from picosched.pico.chance import Chance, id_from
from picosched.pico.change import RulesetText
from picosched.pico.channel import Channel
from picosched.pico.evaluate import answer_within, start
from picosched.pico.event import Query
from picosched.pico.memory import Installed
from picosched.pico.pico import Pico
from picosched.pico.said import Unanswered
from picosched.pico.windows import Windows
from picosched.schedule.window import MadeWindow
from picosched.settings import Settings
from picosched.store.faults import StoreError
from picosched.store.picos import hash_of
from picosched.store.shards import shard_of
from picosched.store.store import Store
from picosched.turns import sources as declaring
from picosched.turns.asked import RecentQueries

if TYPE_CHECKING:
    from picosched.krl.ruleset import Ruleset

log = logging.getLogger(__name__)

K = TypeVar("K")
V = TypeVar("V")

LOGGED = 100
"""Turns whose log a ruleset can read."""

COMPILED = 40
"""Steps charged for compiling a character of a ruleset."""

MOST_TEXT = 2_000_000
"""Characters of rulesets kept compiled; compiled, each takes about fifty bytes."""


class Recent(Generic[K, V]):
    """An LRU cache of values whose weights add up to at most `most`; by default each weighs 1.

    A single value above that is kept until the next is added.
    """

    def __init__(self, most: int, weigh: Callable[[V], int] = lambda value: 1) -> None:
        self._most = most
        self._weigh = weigh
        self._weight = 0
        self._values: OrderedDict[K, V] = OrderedDict()

    def find(self, key: K) -> V | None:
        value = self._values.get(key)
        if value is not None:
            self._values.move_to_end(key)
        return value

    def peek(self, key: K) -> V | None:
        """As `find`, but it does not count as use. For any thread."""
        return self._values.get(key)

    def put(self, key: K, value: V) -> V:
        self.forget(key)
        self._values[key] = value
        self._weight += self._weigh(value)
        while self._weight > self._most and len(self._values) > 1:
            self.forget(next(iter(self._values)))
        return value

    def forget(self, key: K) -> None:
        """Drop the value of a key, if there is one."""
        if key in self._values:
            self._weight -= self._weigh(self._values.pop(key))

    def forget_all(self, which: Callable[[V], bool]) -> None:
        """Forget the values for which `which` is true."""
        for key in [key for key, value in self._values.items() if which(value)]:
            self.forget(key)

    def clear(self) -> None:
        self._values.clear()
        self._weight = 0


class Loaded:
    """The cached picos, as in the store. For one thread at a time."""

    def __init__(self, store: Store, settings: Settings, chance: Chance, ticks: Callable[[], float]) -> None:
        self._store = store
        self._shards = store.shards
        if self._shards is not None:
            self._shards.on_stale(self._forget_shards)
        self.settings = settings
        self._addresses = Addresses(settings.http_allow)
        self.chance = chance
        self.budget = Budget(settings.limits, ticks)
        """The budget of the current turn, query or install: there is one at a time."""
        self.asked = RecentQueries()
        self.address: str | None = None
        """The base URL that the server is bound to, if there is one."""
        self._picos: Recent[str, Pico] = Recent(settings.cached_picos)
        self._channels: Recent[str, Channel] = Recent(settings.cached_picos)
        self._owners: Recent[str, str] = Recent(settings.cached_picos)
        """Channel → its pico, which it belongs to for good."""
        self._broken: Recent[str, KrlError] = Recent(settings.cached_picos)
        """Why the rulesets with these hashes do not compile any more."""
        self._rulesets: Recent[str, Ruleset] = Recent(MOST_TEXT, lambda ruleset: len(ruleset.source.text))

    def new_id(self) -> str:
        """An id for use inside a transaction, from the same random source as rules."""
        return id_from(self.chance)

    def load_pico(self, id: str) -> Pico:
        """The pico, kept in memory; `not_found` if there is none."""
        if self._shards is not None:
            self._shards.need(id)
        return self._picos.find(id) or self._picos.put(id, self.read_pico(id))

    def at_hand(self, pico_id: str, rid: str | None = None) -> bool:
        """Whether the pico is in memory, with that ruleset, so that nothing has to be read or compiled."""
        pico = self._picos.find(pico_id)
        return pico is not None and (rid is None or rid in pico.installed)

    def read_pico(self, id: str) -> Pico:
        """A new copy of the pico from the store, not cached; `not_found` if there is none."""
        row = self._store.picos.find_pico(id)
        if row is None:
            raise PicoschedError(f"there is no pico {id}", "not_found")
        installed: dict[str, Installed] = {}
        for each in self._store.picos.installed(id):
            try:
                installed[each.rid] = Installed(self._ruleset(each.hash), each.config, each.flushed)
            except StoreError:  # it may be there in a moment
                raise
            except PicoschedError as error:
                log.error("the ruleset %s of the pico %s (%s) is left out: %s", each.rid, row.name, id, error)
        pico = Pico(id, row.name, row.parent_id, installed, self._store, self.budget, self.chance, self)
        pico.effects.settings = self.settings  # a query needs them before the first turn
        return pico

    def load_channel(self, eci: str) -> Channel:
        """The channel; `not_found` if there is none."""
        if self._shards is not None and (pico_id := self.pico_of(eci)) is not None:
            self._shards.need(pico_id)  # its policy may have changed
        channel = self._channels.find(eci) or self.find_channel(eci)
        if channel is None:
            raise PicoschedError(f"there is no channel {eci}", "not_found")
        return channel

    def known_pico_of(self, eci: str) -> str | None:
        """As `pico_of`, if it is in memory. For any thread."""
        return self._owners.peek(eci)

    def pico_of(self, eci: str) -> str | None:
        """The pico of a channel, which may have been deleted meanwhile; None if it is unknown."""
        known = self._owners.find(eci)
        if known is None:
            channel = self._store.picos.find_channel(eci)
            known = None if channel is None else self._owners.put(eci, channel.pico_id)
        return known

    def compiled(self, text: str, origin: str | None) -> Ruleset:
        """The compiled ruleset of a text; KrlError if it has errors."""
        hash = hash_of(text)
        known = self._rulesets.find(hash)
        if known is None:
            charge(COMPILED * len(text))
            from picosched.krl.ruleset import compile_ruleset  # late, as `krl.running` explains

            known = self._rulesets.put(hash, compile_ruleset(text, origin))
        return known

    def peek(self, hash: str) -> Ruleset | None:
        """The ruleset of the text with that hash if it is in memory. For any thread."""
        return self._rulesets.peek(hash)

    def known(self, text: str) -> Ruleset | None:
        """The ruleset of a text if it is in memory."""
        return self._rulesets.find(hash_of(text))

    def keep(self, ruleset: Ruleset) -> None:
        """Keep a ruleset compiled elsewhere."""
        self._rulesets.put(hash_of(ruleset.source.text), ruleset)

    def load_running(self, pico_id: str, rid: str) -> Pico:
        """The pico if it runs that ruleset; `not_found`, or KrlError if the ruleset no longer compiles."""
        pico = self.load_pico(pico_id)
        if rid not in pico.installed:
            for each in self._store.picos.installed(pico_id):
                if each.rid == rid:
                    self._ruleset(each.hash)
            raise PicoschedError(f"the pico {pico.name} has no ruleset {rid}", "not_found")
        return pico

    # The world around a pico

    def host(self, asked: str | None) -> str | None:
        return self.settings.base_url or asked or self.address

    def channels(self, pico_id: str) -> list[Channel]:
        return self._store.picos.channels(pico_id)

    def find_channel(self, eci: str) -> Channel | None:
        channel = self._channels.find(eci)
        if channel is not None and (self._shards is None or self._shards.has(channel.pico_id)):
            return channel
        channel = self._store.picos.find_channel(eci)
        if channel is not None and (self._shards is None or self._shards.has(channel.pico_id)):
            self._channels.put(eci, channel)
        return channel

    def answer(self, pico_id: str, query: Query, now: datetime) -> Any:
        """The answer of a pico to a query from another pico."""
        pico = self.load_pico(pico_id)
        if pico.effects.busy:
            raise KrlError(f"the pico {pico.name} is waiting for an answer itself", code="conflict")
        try:
            return answer_within(pico, query, now)
        except Unanswered as wanted:
            raise KrlError("a query of another pico cannot make HTTP requests") from wanted

    def logs(self, pico_id: str) -> list[Any]:
        self.budget.postpone()  # a few entries may be large
        entries = self._store.journal.entries(pico_id, limit=LOGGED)
        return [
            {"time": format_time(entry.at), **logged} for entry in reversed(entries) for logged in entry.log
        ]

    def can_ask(self, pico_id: str, rid: str) -> bool:
        pico = self.load_pico(pico_id)
        return rid in pico.installed and not pico.effects.busy

    def turns(self, pico_id: str, limit: int) -> list[Any]:
        self.budget.postpone()
        return [
            {
                "txnId": entry.eid,
                "time": format_time(entry.at),
                "eci": entry.eci,
                "scheduled": entry.scheduled,
                "handled": entry.handled,
                "directives": entry.directives,
                "errors": entry.errors,
                "log": entry.log,
            }
            for entry in self._store.journal.entries(pico_id, limit=limit)
        ]

    def queries(self, pico_id: str) -> list[Any]:
        return self.asked.of(pico_id)

    def refusal_of(self, url: str) -> str | None:
        return self._addresses.refusal_of(*origin(url)[1:])

    def kept_text(self, origin: str) -> str | None:
        return self._store.picos.kept_text(origin)

    def origin_of(self, rid: str) -> str | None:
        return standard.url_of(rid) if rid in standard.ALL else self._store.picos.origin_of(rid)

    def read_text(self, origin: str) -> str:
        if standard.is_standard(origin):
            return standard.read(origin)
        scheme, colon, _ = origin.partition("://")
        if colon and scheme.lower() != "file":
            raise PicoschedError(
                f"rulesets may not install {without_user(origin)[0]}: "
                f'found the scheme "{scheme}", wanted http, https or file',
                "refused",
            )
        path = file_of(origin).resolve()
        folders = [Path(each) for each in self.settings.install_from if "://" not in each]
        if path.suffix == ".krl" and any(path.is_relative_to(each.resolve()) for each in folders):
            return read_source(path)
        raise PicoschedError(
            f"rulesets may not install {origin}: wanted a .krl file in a folder of the setting install_from",
            "refused",
        )

    def sources(self) -> list[dict[str, Any]]:
        return [each.as_json() for each in declaring.states(self._store)]

    def find_source(self, id: str) -> dict[str, Any] | None:
        row = self._store.sources.find(id)
        return None if row is None else declaring.state_of(self._store, row).as_json()

    def tried(self, pico_id: str, text: RulesetText, before_each: Callable[[], None] = lambda: None) -> None:
        pico = self.read_pico(pico_id)  # a copy, so that an error changes nothing
        ruleset = self.compiled(text.text, text.origin)
        pico.installed[ruleset.rid] = Installed(ruleset, text.config)
        for rid in (ruleset.rid, *clients_of(pico.installed, ruleset.rid)):
            before_each()
            start(pico, rid)

    def made_windows(self) -> Sequence[MadeWindow]:
        return self._store.windows.all()

    def check_windows(self, ruleset: Ruleset) -> None:
        Windows(ruleset, self.settings, lambda name: None, self.made_windows)

    def picos_under(self, pico_id: str) -> int:
        return self._store.picos.number_under(pico_id)

    # Forgetting

    def forget(self, pico_id: str) -> None:
        """Drop a pico; it is read again when next used."""
        self._picos.forget(pico_id)

    def forget_channel(self, eci: str) -> None:
        self._channels.forget(eci)

    def forget_all(self) -> None:
        """Drop all picos and channels: they may hold changes that were rolled back."""
        self._picos.clear()
        self._channels.clear()

    def _forget_shards(self, shards: Collection[int]) -> None:
        """Drop the picos and channels of shards that another process wrote."""
        self._picos.forget_all(lambda pico: shard_of(pico.id) in shards)
        self._channels.forget_all(lambda channel: shard_of(channel.pico_id) in shards)

    def _ruleset(self, hash: str) -> Ruleset:
        known = self._rulesets.find(hash) or self._broken.find(hash)
        if isinstance(known, KrlError):
            raise copy(known)
        if known is not None:
            return known
        row = self._store.picos.find_ruleset(hash)
        if row is None:
            raise PicoschedError(f"the text of the ruleset with the hash {hash} is lost", "internal")
        try:
            return self.compiled(row.text, row.origin)
        except KrlError as error:
            if error.code != "too_large":  # which may be the limit of this turn
                self._broken.put(hash, error)
            raise


def file_of(origin: str) -> Path:
    """The file that a path or a file: URL names."""
    return Path(unquote(urlsplit(origin).path) if origin.lower().startswith("file:") else origin)


def clients_of(installed: Mapping[str, Installed], rid: str) -> list[str]:
    """The rulesets that use `rid` as a module, directly or indirectly."""
    found: list[str] = []
    reached = [rid]
    for module in reached:  # grows as it goes
        for client, each in installed.items():
            if module in each.ruleset.uses and client not in found and client != rid:
                found.append(client)
                reached.append(client)
    return found
