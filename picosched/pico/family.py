"""Lets rules see and change their pico and its relatives; changes are part of the turn.

A change is a value that is applied when the turn is written; until then only this rule and later ones in the
turn see it. Errors are raised, and costs charged, when the rule requests the change: a ruleset is compiled
and its globals are evaluated before the rule continues. The rulesets of a new pico are only compiled; their
globals are evaluated at its first event.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from picosched.clock import format_time
from picosched.errors import KrlError, PicoschedError
from picosched.krl.keys import without_config_keys
from picosched.krl.requests import HttpRequest
from picosched.krl.scope import Value
from picosched.krl.text import measured, of_text
from picosched.krl.urls import without_user
from picosched.krl.values import described, shown, to_string
from picosched.pico.asking import ask_after
from picosched.pico.change import (
    Change,
    DeleteChannel,
    DeletePico,
    Install,
    NewPico,
    PutChannel,
    RulesetText,
    Uninstall,
    channels_of,
)
from picosched.pico.channel import Channel, Policy, new_policy, new_tags
from picosched.pico.event import Query
from picosched.pico.memory import World
from picosched.pico.said import Speaking

HTTP = ("http://", "https://")

SHOWN, ASKED, CHANGING, DELETING = 20, 200, 1_400, 2_000
"""Steps for showing a channel or ruleset; for a query of another pico; for a change of picos, including
applying it; and in addition for each deleted pico."""


class PicoFamily:
    """Implements `Family` for the pico of these effects."""

    def __init__(self, effects: Speaking) -> None:
        self._effects = effects

    @property
    def _world(self) -> World:
        world: World = self._effects.pico.world
        return world

    def view(self) -> dict[str, Value]:
        pico = self._effects.pico
        channels = self._channels()
        pico.budget.charge(SHOWN * (1 + len(channels) + len(pico.installed)))
        children = [each for each in channels if each.kin and each.kin not in (pico.parent_id, pico.id)]
        return {
            "id": pico.id,
            "name": pico.name,
            "parent": next((c.eci_of_kin for c in channels if c.kin and c.kin == pico.parent_id), None),
            "parent_id": pico.parent_id,
            "children": [channel.eci_of_kin for channel in children],
            "children_ids": [channel.kin for channel in children],
            "channels": [_shown(channel) for channel in channels],
            "rulesets": [
                {
                    "rid": rid,
                    "url": each.ruleset.meta["url"],
                    "config": without_config_keys(each.config),
                    "meta": {
                        "krlMeta": dict(each.ruleset.meta),
                        "hash": each.ruleset.hash,
                        "flushed": None if each.flushed is None else format_time(each.flushed),
                    },
                }
                for rid, each in pico.installed.items()
            ],
        }

    def logs(self) -> list[Value]:
        return self._world.logs(self._effects.pico.id)

    def journal(self, limit: int) -> list[Value]:
        return self._world.turns(self._effects.pico.id, limit)

    def queries(self) -> list[Value]:
        found = self._world.queries(self._effects.pico.id)
        self._effects.pico.budget.charge(SHOWN * (1 + len(found)))
        return found

    def can_ask(self, eci: str, rid: str) -> bool:
        channel = self._world.find_channel(eci)
        return (
            channel is not None
            and channel.kin in (None, self._effects.pico.id)
            and channel.pico_id != self._effects.pico.id
            and self._world.can_ask(channel.pico_id, rid)
        )

    def find_tagged(self, tags: Sequence[str]) -> str | None:
        wanted = new_tags(tags)
        return next((each.eci for each in self._channels() if each.is_tagged(wanted)), None)

    def ask(self, eci: str, rid: str, name: str, args: Mapping[str, Value]) -> Value:
        self._effects.pico.budget.charge(ASKED)
        channel = self._reached(eci)
        refusal = channel.queries.refusal(rid, name)
        if refusal:
            raise KrlError(f"the query {rid}:{name} is {refusal}", code="refused")
        if channel.pico_id == self._effects.pico.id:
            raise KrlError("a pico cannot query itself: call the function", code="conflict")
        query = Query(rid, name, args, eci, self._effects.txn_id, self._effects.pico.host)
        return self._world.answer(channel.pico_id, query, self._effects.pico.now)

    def ask_after(
        self,
        eci: str,
        domain: str,
        type: str,
        attrs: Mapping[str, Value],
        rid: str,
        name: str,
        args: Mapping[str, Value],
    ) -> Value:
        return ask_after(self._effects, self._reached(eci), domain, type, attrs, Query(rid, name, args, eci))

    def new_pico(
        self,
        name: str,
        rulesets: Sequence[tuple[str, Mapping[str, Value]]],
        channels: Sequence[Mapping[str, Value]] = (),
    ) -> str:
        effects, pico = self._effects, self._effects.pico
        for _, config in rulesets:
            self._pay(measured(dict(config))[1])
        self._pay(measured([dict(each) for each in channels])[1] + of_text(name))
        id, down, up = effects.new_id(), effects.new_id(), effects.new_id()
        texts = tuple(self._text(url, config) for url, config in rulesets)
        for each in texts:
            self._world.check_windows(self._world.compiled(each.text, each.origin))
        self._say(
            NewPico(
                id,
                name,
                texts,
                down=Channel(down, id, ("system", "child"), Policy(), Policy(), kin=pico.id, eci_of_kin=up),
                up=Channel(up, pico.id, ("system", "parent"), Policy(), Policy(), kin=id, eci_of_kin=down),
                channels=tuple(_channel(effects.new_id(), id, each) for each in channels),
            )
        )
        return down

    def channels_of_new(self, eci: str) -> list[Value]:
        for change in self._effects.changes():
            if isinstance(change, NewPico) and change.down.eci == eci:
                return [_shown(channel) for channel in change.channels]
        return []

    def delete_pico(self, eci: str) -> None:
        self._pay(0)
        mine = [c for c in self._channels() if c.eci_of_kin == eci and c.kin != self._effects.pico.parent_id]
        if not mine or mine[0].kin is None:
            raise KrlError(
                f"found the eci {shown(eci)}, wanted that of a child of this pico", code="not_found"
            )
        self._effects.pico.budget.charge(DELETING * (1 + self._world.picos_under(mine[0].kin)))
        self._say(DeletePico(mine[0].kin))

    def put_channel(
        self, eci: str | None, tags: Sequence[str], events: Value, queries: Value
    ) -> dict[str, Value]:
        effects = self._effects
        if eci is not None:
            self._own(eci)
        given = {"tags": list(tags), "eventPolicy": events, "queryPolicy": queries}
        self._pay(measured(given)[1])
        channel = _channel(eci or effects.new_id(), effects.pico.id, given)
        self._say(PutChannel(channel))
        return _shown(channel)

    def delete_channel(self, eci: str) -> None:
        self._own(eci)
        self._pay(0)
        self._say(DeleteChannel(eci))

    def install(self, url: str, config: Mapping[str, Value]) -> str:
        self._pay(measured(dict(config))[1])
        return self._put(self._text(url, config))

    def flush(self, url: str) -> None:
        fresh: str | None = None
        for each in list(self._effects.pico.installed.values()):
            if each.ruleset.meta["url"] == url:
                fresh = self._read(url) if fresh is None else fresh
                self._put(RulesetText(fresh, url, each.config))

    def uninstall(self, rid: str) -> None:
        installed = self._effects.pico.installed
        self._pay(0)
        if rid not in installed:  # as in the Node engine, this is no error
            return
        clients = [client for client, each in installed.items() if rid in each.ruleset.uses]
        if clients:
            raise KrlError(f"the ruleset {rid} is used by {', '.join(clients)}", code="conflict")
        self._say(Uninstall(rid))

    def pico_of(self, eci: str) -> str | None:
        channel = self._world.find_channel(eci)
        made = (each for change in self._effects.changes() for each in channels_of(change))
        found = channel or next((each for each in made if each.eci == eci), None)
        return None if found is None else found.pico_id

    def give_channel(self, pico_id: str, tags: Sequence[str]) -> dict[str, Value]:
        self._pay(measured(list(tags))[1])
        channel = _channel(self._effects.new_id(), pico_id, {"tags": list(tags)})
        self._give(pico_id, lambda child: replace(child, channels=(*child.channels, channel)))
        return _shown(channel)

    def give_ruleset(self, pico_id: str, url: str) -> str:
        self._pay(0)
        text = self._text(url, {})
        ruleset = self._world.compiled(text.text, text.origin)
        self._world.check_windows(ruleset)
        self._give(pico_id, lambda child: replace(child, rulesets=(*child.rulesets, text)))
        return ruleset.rid

    def _give(self, pico_id: str, change: Callable[[NewPico], NewPico]) -> None:
        """Change a child that this rule creates."""
        changes = self._effects.speaking("change picos").changes
        self._effects.pico.budget.charge(len(changes))
        for place, each in enumerate(changes):
            if isinstance(each, NewPico) and each.id == pico_id:
                changes[place] = change(each)
                return
        raise KrlError(
            f"found the id {shown(pico_id)}, wanted that of this pico, or of a child that the same rule "
            "creates: for another pico raise an event there with event:send",
            code="refused",
        )

    def rid_at(self, url: str) -> str:
        self._pay(0)
        return self._world.compiled(self._read(url), url).rid

    def origin_of(self, rid: str) -> str:
        self._effects.pico.budget.charge(SHOWN)
        origin = self._world.origin_of(rid)
        if origin is None:
            raise KrlError(f"the engine has no ruleset {shown(rid)} with a URL", code="not_found")
        return origin

    # ---- inside -----------------------------------------------------------------------------------

    def _pay(self, size: int) -> None:
        """Charge for a change, including applying it, and for its size."""
        self._effects.say(size, steps=CHANGING)

    def _say(self, change: Change) -> None:
        self._effects.speaking("change picos").changes.append(change)

    def _channels(self) -> list[Channel]:
        """The channels of this pico, with the changes of this turn so far."""
        found = {channel.eci: channel for channel in self._world.channels(self._effects.pico.id)}
        for change in self._effects.changes():
            match change:
                case PutChannel(channel):
                    found[channel.eci] = channel
                case DeleteChannel(eci):
                    found.pop(eci, None)
                case NewPico():
                    found[change.up.eci] = change.up
                case DeletePico(id):
                    found = {eci: channel for eci, channel in found.items() if channel.kin != id}
        return list(found.values())

    def _put(self, text: RulesetText) -> str:
        ruleset = self._world.compiled(text.text, text.origin)
        self._world.tried(self._effects.pico.id, text)
        self._say(Install(ruleset.rid, text))
        return ruleset.rid

    def _own(self, eci: str) -> None:
        channel = next((each for each in self._channels() if each.eci == eci), None)
        if channel is None:
            raise KrlError(f"this pico has no channel {shown(eci)}", code="not_found")
        if channel.kin:
            raise KrlError(
                f"the family channel {shown(eci)} of this pico cannot be changed or deleted", code="refused"
            )

    def _reached(self, eci: str) -> Channel:
        """The channel with that eci, if this pico may use it."""
        channel = self._world.find_channel(eci)
        if channel is None:
            raise KrlError(f"there is no channel {shown(eci)}", code="not_found")
        if channel.kin and channel.kin != self._effects.pico.id:
            raise KrlError(f"the channel {shown(eci)} is for its family only", code="refused")
        return channel

    def _text(self, url: str, config: Mapping[str, Value]) -> RulesetText:
        """The text at a URL; if it cannot be read, the text already installed from there."""
        try:
            return RulesetText(self._read(url), url, config)
        except KrlError as error:
            kept = (
                None
                if url.lower().startswith(HTTP) or error.code == "too_large"
                else self._world.kept_text(url)
            )
            if kept is None:
                raise
            return RulesetText(kept, url, config)

    def _read(self, url: str) -> str:
        """The current text at a URL: fetched by HTTP, or from a file; `install_from` says which may be."""
        text = self._fetched(url)
        self._effects.say(len(text))
        return text

    def _fetched(self, url: str) -> str:
        if not url.lower().startswith(HTTP):
            try:
                return self._world.read_text(url)
            except PicoschedError as error:
                raise KrlError(error.message, code=error.code) from error
        response = self._effects.http(HttpRequest("GET", url, installs=True))
        if response.status != 200:
            answer = f"found the answer {response.status} {response.reason}".rstrip()
            why = answer if response.status else response.reason  # without an answer the status is 0
            raise KrlError(f"cannot read the ruleset {without_user(url)[0]}: {why}")
        try:
            return response.body.decode("utf-8-sig")
        except UnicodeDecodeError as cause:
            raise KrlError(f"the ruleset {url} is not UTF-8") from cause


def _shown(channel: Channel) -> dict[str, Value]:
    """A channel as a map for rules."""
    return {
        "id": channel.eci,
        "tags": list(channel.tags),
        "eventPolicy": _policy_shown(channel.events, "domain"),
        "queryPolicy": _policy_shown(channel.queries, "rid"),
        "familyChannelPicoID": channel.kin,
    }


def _channel(eci: str, pico_id: str, given: Mapping[str, Value]) -> Channel:
    """A channel from a rule's map: {"tags", "eventPolicy", "queryPolicy"}."""
    tags = given.get("tags") or []
    return Channel(
        eci,
        pico_id,
        _tags([to_string(tag) for tag in (tags if isinstance(tags, list) else [tags])]),
        _policy(given.get("eventPolicy"), "domain", "name"),
        _policy(given.get("queryPolicy"), "rid", "name"),
    )


def _policy_shown(policy: Policy, first: str) -> dict[str, Value]:
    def patterns(listed: Sequence[str]) -> list[Value]:
        return [dict(zip((first, "name"), each.split(":", 1), strict=True)) for each in listed]

    return {"allow": patterns(policy.allow), "deny": patterns(policy.deny)}


def _policy(given: Value, first: str, second: str) -> Policy:
    """A policy from a rule's map: {"allow": [{"domain", "name"}], "deny": […]}; null allows all."""
    if given is None:
        return Policy()
    if not isinstance(given, dict) or not set(given) <= {"allow", "deny"}:
        raise KrlError(f'found {shown(given)} as a policy, wanted {{"allow": […], "deny": […]}}')

    def patterns(key: str) -> list[str]:
        listed = given.get(key) or []
        if not isinstance(listed, list) or not all(isinstance(each, dict) for each in listed):
            raise KrlError(f'found {described(listed)} as "{key}" of a policy, wanted an Array of Maps')
        return [f"{to_string(each.get(first, '*'))}:{to_string(each.get(second, '*'))}" for each in listed]

    try:
        return new_policy(patterns("allow"), patterns("deny"))
    except PicoschedError as error:
        raise KrlError(error.message) from error


def _tags(tags: Sequence[str]) -> tuple[str, ...]:
    cleaned = new_tags(tags)
    if "system" in cleaned:
        raise KrlError('found the tag "system", which is reserved for the engine')
    return cleaned
