"""The `meta` module: the current ruleset, pico and event. All members work with or without parentheses."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from picosched.krl.library.member import Member, value
from picosched.krl.scope import Scope, Value
from picosched.krl.size import claim_map


def copied(config: Mapping[str, Value]) -> dict[str, Value]:
    """A map of its own."""
    claim_map(len(config))
    return dict(config)


def from_meta(key: str) -> Member:
    """A property from the ruleset's meta."""

    def run(scope: Scope) -> Value:
        return scope.meta.get(key)

    return value(run)


def from_scope(read: Callable[[Scope], Value]) -> Member:
    def run(scope: Scope) -> Value:
        return read(scope)

    return value(run)


def eci(scope: Scope) -> Value:
    """The channel of the event or query; null while a ruleset is loaded, and in a module."""
    asked = scope.event or scope.query
    return asked.eci if asked else None


def txn_id(scope: Scope) -> Value:
    if scope.event:
        return scope.event.eid
    return scope.query.id if scope.query else None


META = {
    "callingRID": from_meta("calling_rid"),
    "callingRid": from_meta("calling_rid"),
    "eci": from_scope(eci),
    "host": from_scope(lambda scope: scope.host()),
    "inEvent": from_scope(lambda scope: scope.event is not None),
    "inModule": from_scope(lambda scope: scope.meta.get("calling_rid") is not None),
    "inQuery": from_scope(lambda scope: scope.query is not None),
    "moduleRID": from_scope(lambda scope: scope.rid if scope.meta.get("calling_rid") else None),
    "picoId": from_scope(lambda scope: scope.pico_id),
    "rid": from_scope(lambda scope: scope.rid),
    "rid_url": from_meta("url"),
    "ruleName": from_scope(lambda scope: scope.rule),
    "rulesetAuthor": from_meta("author"),
    "rulesetConfig": from_scope(lambda scope: copied(scope.config)),
    "rulesetDescription": from_meta("description"),
    "rulesetName": from_meta("name"),
    "rulesetURI": from_meta("url"),
    "txnId": from_scope(txn_id),
    "uri": from_meta("url"),
    "version": from_meta("version"),
}
