"""The rules that are installed, by name, as far as their texts tell: what a question may mean.

A text is parsed, not compiled, and while nobody waits; what was read of it is kept for the next question.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache

from picosched.engine.wiring import Wiring
from picosched.errors import KrlError
from picosched.frozen import frozen
from picosched.krl import syntax
from picosched.krl.grammar import parse
from picosched.krl.source import source_of
from picosched.krl.walk import walk
from picosched.store.store import Store

MOST_RULESETS = 200
"""Rulesets that are read to know all rules."""
LONGEST_KEPT = 50_000
"""Characters of a text of which is kept what was read."""
ANY = "*"
"""The key of a rule that selects events whatever their name."""


@frozen
class KnownRule:
    """A rule, the events that its `select` names, as `domain:type` or ANY, and whether it is active."""

    name: str
    keys: frozenset[str]
    active: bool


@frozen
class KnownRules:
    """Rules by `rid.rule`; `complete` unless there are more rulesets than were read."""

    rules: Mapping[str, KnownRule]
    complete: bool

    @property
    def keys(self) -> frozenset[str]:
        """The events that some rule selects."""
        return frozenset[str]().union(*(each.keys for each in self.rules.values()))


def find_rule(engine: Wiring, what: str) -> KnownRule | None:
    """The rule of that `rid.rule`, as some pico has it."""
    rid, _, name = what.rpartition(".")
    return next((each for each in _of_ruleset(engine, rid) if each.name == name), None) if rid else None


def rules_of(engine: Wiring) -> KnownRules:
    """The rules of the first MOST_RULESETS rulesets."""
    rids = [rid for _, rid in engine.read(engine.store.picos.one_of_each)]
    rules = {f"{rid}.{each.name}": each for rid in rids[:MOST_RULESETS] for each in _of_ruleset(engine, rid)}
    return KnownRules(rules, len(rids) <= MOST_RULESETS)


def _of_ruleset(engine: Wiring, rid: str) -> tuple[KnownRule, ...]:
    """The rules of the text that the first pico has; none if it no longer is one."""
    text = engine.read(_text, engine.store, rid)
    if text is None:
        return ()
    return _rules(text) if len(text) <= LONGEST_KEPT else _rules.__wrapped__(text)


def _text(store: Store, rid: str) -> str | None:
    having = store.pages.picos_with(rid, 1)
    row = store.picos.find_ruleset(having[0][1]) if having else None
    return None if row is None else row.text


@lru_cache(maxsize=MOST_RULESETS)
def _rules(text: str) -> tuple[KnownRule, ...]:
    try:
        tree = parse(source_of(text))
    except KrlError:
        return ()
    return tuple(KnownRule(rule.name, frozenset(_keys(rule)), rule.state == "active") for rule in tree.rules)


def _keys(rule: syntax.Rule) -> list[str]:
    if rule.select is None:
        return []
    return [
        f"{each.domain}:{each.type}" if isinstance(each, syntax.EventPrimitive) else ANY
        for each in walk(rule.select)
        if isinstance(each, syntax.EventPrimitive | syntax.AnyEvent)
    ]
