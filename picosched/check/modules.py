"""Uses of the standard rulesets as modules: what they provide is known here, unlike that of other modules."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from picosched import standard
from picosched.check.subject import Subject
from picosched.krl import syntax
from picosched.krl.grammar import parse
from picosched.krl.misuse import near_by
from picosched.krl.source import Source
from picosched.krl.testing import shared


def look_at_modules(subject: Subject) -> None:
    """Members that no standard ruleset of that rid provides."""
    used = {
        each.alias or each.rid: each.rid
        for each in subject.tree.meta
        if isinstance(each, syntax.UseModule) and each.rid in standard.ALL
    }
    for domain, name, node in _members(subject) if used else ():
        rid = used.get(domain)
        if rid is not None and name not in (known := _provided(rid)):
            hint = near_by(name, known) or f": {rid} provides {', '.join(known) or 'nothing'}"
            subject.say("W108", f"unknown member {domain}:{name}{hint}", node)


def _members(subject: Subject) -> Iterator[tuple[str, str, syntax.Node]]:
    for node in subject.nodes:
        match node:
            case syntax.Qualified(domain=domain, name=name):
                yield domain, name, node
            case syntax.Method(domain=str(domain), name=name):
                yield domain, name, node


@cache
def _provided(rid: str) -> tuple[str, ...]:
    return tuple(shared(parse(Source(rid, standard.read(standard.url_of(rid)))), "provides"))
