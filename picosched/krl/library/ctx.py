"""The `ctx` module: the pico itself, its channels, rulesets and children, as in the Node engine.

Parameters keep the names that its rulesets use.
"""

from __future__ import annotations

from collections.abc import Mapping

from picosched.errors import KrlError
from picosched.krl.library.event import send_to
from picosched.krl.library.member import Member, action, function, value
from picosched.krl.library.meta import copied
from picosched.krl.scope import Scope, Value
from picosched.krl.size import claim_array, scan
from picosched.krl.values import described, shown, to_string

LISTED = 100
"""The default number of turns returned by `ctx:journal()`."""
MOST_LISTED = 1_000


def seen(name: str) -> Member:
    """A member that returns part of the pico's view."""

    def read(scope: Scope) -> Value:
        return scope.effects.family.view()[name]

    return value(read)


def of_ruleset(key: str) -> Member:
    """A meta property of the current ruleset."""

    def read(scope: Scope) -> Value:
        return scope.meta.get(key)

    return value(read)


def rid(scope: Scope) -> str:
    return scope.rid


def rid_config(scope: Scope) -> Value:
    return copied(scope.config)


def pico_id(scope: Scope) -> str:
    return scope.pico_id


def text(given: Value, what: str) -> str:
    if not isinstance(given, str):
        raise KrlError(f"found {described(given)} as {what}, wanted a String: {shown(given)}")
    if not given:
        raise KrlError(f"found {described(given)} as {what}, wanted one that is not empty")
    scan(4 * len(given))
    return given


def map_of(given: Value, what: str) -> Mapping[str, Value]:
    if given is None:
        return {}
    if not isinstance(given, dict):
        raise KrlError(f"found {described(given)} as {what}, wanted a Map: {shown(given)}")
    return given


def query(
    scope: Scope, eci: Value = None, rid: Value = None, name: Value = None, args: Value = None
) -> Value:
    family = scope.effects.family
    return family.ask(
        text(eci, "an eci"), text(rid, "a rid"), text(name, "a name"), map_of(args, "arguments")
    )


def event_query(
    scope: Scope,
    eci: Value = None,
    domain: Value = None,
    name: Value = None,
    attrs: Value = None,
    rid: Value = None,
    queryName: Value = None,
    args: Value = None,
) -> Value:
    """The answer to a query of another pico, after an event there has been handled."""
    return scope.effects.family.ask_after(
        text(eci, "an eci"),
        text(domain, "a domain"),
        text(name, "a type"),
        map_of(attrs, "the attributes of an event"),
        text(rid, "a rid"),
        text(queryName, "a name"),
        map_of(args, "arguments"),
    )


def logs(scope: Scope) -> Value:
    """Recent log entries of this pico's rules, oldest first."""
    return scope.effects.family.logs()


def journal(scope: Scope, limit: Value = None) -> Value:
    """The last turns of this pico, the newest first, with what each rule did."""
    wanted = LISTED if limit is None else limit
    if type(wanted) is not int or not 0 <= wanted <= MOST_LISTED:
        wish = f"wanted a whole Number from 0 to {MOST_LISTED:,}"
        raise KrlError(f"found {described(limit)} as a limit, {shown(limit)}, {wish}")
    return scope.effects.family.journal(wanted)


def queries(scope: Scope) -> Value:
    """The recent queries of this pico, the newest first."""
    return scope.effects.family.queries()


def can_query(scope: Scope, eci: Value = None, rid: Value = None) -> bool:
    return scope.effects.family.can_ask(text(eci, "an eci"), text(rid, "a rid"))


def new_pico(scope: Scope, rulesets: Value = None, name: Value = None, channels: Value = None) -> str:
    if not isinstance(rulesets, list):
        raise KrlError(f"found {described(rulesets)} as rulesets, wanted an Array of {{url, config}}")
    wanted = []
    for each in rulesets:
        given = map_of(each, "a ruleset")
        wanted.append((text(given.get("url"), "the url of a ruleset"), map_of(given.get("config"), "config")))
    if channels is not None and not isinstance(channels, list):
        raise KrlError(
            f"found {described(channels)} as channels, wanted an Array of {{tags, eventPolicy, queryPolicy}}"
        )
    entrances = [map_of(each, "a channel") for each in channels or []]
    return scope.effects.family.new_pico(to_string(name) if name is not None else "", wanted, entrances)


def new_pico_channels(scope: Scope, eci: Value = None) -> Value:
    """The channels that a child gets besides the family's, in the turn that creates it."""
    return scope.effects.family.channels_of_new(text(eci, "an eci"))


def delete_pico(scope: Scope, eci: Value = None) -> None:
    scope.effects.family.delete_pico(text(eci, "an eci"))


def new_channel(
    scope: Scope, tags: Value = None, eventPolicy: Value = None, queryPolicy: Value = None
) -> Value:
    return scope.effects.family.put_channel(None, tagged(tags), eventPolicy, queryPolicy)


def put_channel(
    scope: Scope,
    eci: Value = None,
    tags: Value = None,
    eventPolicy: Value = None,
    queryPolicy: Value = None,
) -> Value:
    return scope.effects.family.put_channel(text(eci, "an eci"), tagged(tags), eventPolicy, queryPolicy)


def upsert_channel(
    scope: Scope,
    tags: Value = None,
    eventPolicy: Value = None,
    queryPolicy: Value = None,
) -> Value:
    """Change the channel with exactly these tags, or create it."""
    family, wanted = scope.effects.family, tagged(tags)
    return family.put_channel(family.find_tagged(wanted), wanted, eventPolicy, queryPolicy)


def delete_channel(scope: Scope, eci: Value = None) -> None:
    scope.effects.family.delete_channel(text(eci, "an eci"))


def tagged(tags: Value) -> list[str]:
    if tags is None:
        return []
    listed = tags if isinstance(tags, list) else [tags]
    claim_array(len(listed), 4 * len(listed))
    return [to_string(tag) for tag in listed]


def install(scope: Scope, url: Value = None, config: Value = None) -> str:
    return scope.effects.family.install(text(url, "the url of a ruleset"), map_of(config, "config"))


def uninstall(scope: Scope, rid: Value = None) -> None:
    scope.effects.family.uninstall(text(rid, "a rid"))


def flush(scope: Scope, url: Value = None) -> None:
    """Reload this pico's rulesets that were installed from that URL."""
    scope.effects.family.flush(text(url, "the url of a ruleset"))


def event(
    scope: Scope,
    eci: Value = None,
    domain: Value = None,
    name: Value = None,
    attrs: Value = None,
    host: Value = None,
) -> str:
    attributes = copied(map_of(attrs, "the attributes of an event"))
    found = text(eci, "an eci"), text(domain, "a domain"), text(name, "a type")
    return send_to(scope, "ctx:event", host, *found, attributes)


def raise_event(
    scope: Scope,
    domain: Value = None,
    name: Value = None,
    attrs: Value = None,
    forRid: Value = None,
) -> None:
    rids = None if forRid is None else [to_string(forRid)]
    attributes = copied(map_of(attrs, "the attributes of an event"))
    scope.effects.raise_event(text(domain, "a domain"), text(name, "a type"), attributes, rids)


CTX: Mapping[str, Member] = {
    "picoId": value(pico_id),
    "rid": value(rid),
    "rid_url": of_ruleset("url"),
    "rid_config": value(rid_config),
    "rid_version": of_ruleset("version"),
    "rid_name": of_ruleset("name"),
    "rid_description": of_ruleset("description"),
    "rid_author": of_ruleset("author"),
    "name": seen("name"),
    "parent": seen("parent"),
    "children": seen("children"),
    "channels": seen("channels"),
    "rulesets": seen("rulesets"),
    "query": function(query),
    "canQuery": function(can_query),
    "logs": function(logs),
    "journal": function(journal),
    "queries": function(queries),
    "newPico": action(new_pico),
    "newPicoChannels": function(new_pico_channels),
    "delPico": action(delete_pico),
    "newChannel": action(new_channel),
    "putChannel": action(put_channel),
    "upsertChannel": action(upsert_channel),
    "delChannel": action(delete_channel),
    "install": action(install),
    "uninstall": action(uninstall),
    "flush": action(flush),
    "event": action(event),
    "eventQuery": action(event_query),
    "raiseEvent": action(raise_event),
}
