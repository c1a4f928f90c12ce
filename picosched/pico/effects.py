"""The effects that rules request, collected into a turn.

The effects of one rule are buffered until the rule has ended: then they are added to the turn, or, if the
rule failed, discarded. So a rule is all or nothing, and sees its own writes at once. A query uses the same
object without beginning a rule: it may only read and log.
"""

from __future__ import annotations

from collections.abc import Sequence

from picosched.krl.large_map import ChangedMap, StoredMap
from picosched.krl.scope import Value
from picosched.krl.text import SHORT, WIDEST, measured
from picosched.krl.values import valued
from picosched.pico.agenda import PicoAgenda
from picosched.pico.event import Event
from picosched.pico.family import PicoFamily
from picosched.pico.memory import Memory
from picosched.pico.outbox import PicoOutbox
from picosched.pico.said import THING, Said, Speaking
from picosched.pico.sources import PicoSources
from picosched.pico.turn import Directive, Turn
from picosched.settings import Settings

WRITTEN = 16
"""Steps charged for an element of a map that becomes large: to write its row, and once to delete it."""


class PicoEffects(Speaking):
    """The effects of one pico. `begin` a rule, run it, then `keep` or `drop` its effects."""

    def __init__(self, pico: Memory) -> None:
        super().__init__(pico)
        self.family = PicoFamily(self)
        self.agenda = PicoAgenda(self)
        self.outbox = PicoOutbox(self)
        self.sources = PicoSources(self)

    def error_rid(self, rid: str) -> str:
        """The ruleset that gets the errors of a ruleset."""
        installed = self.pico.installed.get(rid)
        return rid if installed is None else installed.ruleset.errors_to or rid

    # ---- the life of a rule -----------------------------------------------------------------------

    def begin_turn(self, turn: Turn, event: Event, settings: Settings) -> None:
        self.turn, self.settings, self.txn_id, self.cause = turn, settings, turn.eid, event
        self.raised_in_turn = 0
        self.agenda.begin_turn()

    def end_turn(self) -> None:
        self.turn = self.said = self.event = None

    def begin(self, rid: str, rule: str, event: Event, handled: int) -> None:
        """Begin a rule for an event, which is `turn.handled[handled]`."""
        self.rid = rid
        self.event = event
        self.said = Said(rid, rule, handled)

    def keep(self) -> Said:
        """Add the rule's effects to the turn."""
        said, turn = self.said or self.speaking("keep"), self.turn
        assert turn is not None
        turn.directives += said.directives
        for key, value in said.entities.items():
            before = turn.entities.get(key) if type(value) is ChangedMap else None
            if type(before) is ChangedMap and value.below is before:
                before.add(value)
            else:
                turn.entities[key] = value
        turn.scheduled.update(said.scheduled)
        if said.changes:
            turn.changes += said.changes
            self.pico.take_over(said.changes)
        turn.rescheduled.update(said.rescheduled)
        for id in said.unmade:
            turn.scheduled.pop(id, None)
        turn.deliveries += said.deliveries
        turn.records += said.records
        turn.provenance += said.provenance
        self.raised_in_turn += len(said.raised)
        self.said = None
        return said

    def drop(self) -> None:
        self.said = None
        self.pico.budget.take_back()

    # ---- the verbs --------------------------------------------------------------------------------

    def saw(self, operands: Sequence[str], values: Sequence[Value]) -> None:
        if self.said is not None and self.said.saw is None:
            self.said.saw = valued(operands, values)

    def direct(self, name: Value, options: Value) -> Value:
        said = self.said or self.speaking("send a directive")
        copy, size = measured(options)
        title, more = (name, WIDEST * len(name)) if type(name) is str else measured(name)
        self.say(more + size)
        said.directives.append(Directive(title, copy, said.rid, said.rule, said.handled))
        meta = {
            "rid": said.rid,
            "rule_name": said.rule,
            "txnId": None if self.turn is None else self.turn.eid,
        }
        return {"type": "directive", "name": title, "options": copy, "meta": meta}

    def entity(self, rid: str, name: str, *, whole: bool = True) -> Value:
        key = (rid, name)
        if self.said is not None and key in self.said.entities:
            found = self.said.entities[key]
        elif self.turn is not None and key in self.turn.entities:
            found = self.turn.entities[key]
        else:
            found = self.pico.variable(rid, name)
        if not whole or (type(found) is not ChangedMap and type(found) is not StoredMap):
            return found
        if self.said is None and not self.answering and type(found) is StoredMap:
            found.lend()  # to a global, which outlives the turn or query
        return found.whole()

    def set_entity(self, rid: str, name: str, value: Value) -> None:
        said, key = self.said or self.speaking("set a variable"), (rid, name)
        copy, size = measured(value)
        size += THING
        self.pico.budget.say(size - said.sizes.get(key, 0))
        said.entities[key], said.sizes[key] = copy, size

    def set_element(self, rid: str, name: str, key: str, value: Value) -> None:
        said, variable = self.said or self.speaking("set a variable"), self.entity(rid, name, whole=False)
        changed = said.entities.get((rid, name))
        if type(changed) is not ChangedMap:
            changed = ChangedMap(variable)
            if type(variable) is dict:  # all of it will be written, each element as a row
                self.say(changed.size, steps=WRITTEN * len(variable))
            said.entities[rid, name] = changed
        size = changed.put(key, value, self.pico.budget.text)
        size = THING + (WIDEST * size if size < SHORT else WIDEST * len(key) + measured(value)[1])
        self.pico.budget.say(size - said.sizes.get((rid, name, key), 0))
        said.sizes[rid, name, key] = size

    def error(self, level: str, value: Value) -> None:
        said, turn = self.said or self.speaking("raise an error"), self.turn
        assert turn is not None and self.event is not None
        self._check_raised(said)
        self.log(level, value)
        attrs = error_attributes(level, value, said.rid, said.rule, "user", "error")
        copy, size = measured(attrs)
        self.say(size)
        targets = (self.error_rid(said.rid),)
        if level == "error":
            said.ends_events = True
            said.raised.clear()
        said.raised.append(Event("system", "error", copy, turn.eid, turn.now, self.event.eci, targets))


def error_attributes(
    level: str, value: Value, rid: str, rule: str | None, genus: str, species: str
) -> dict[str, Value]:
    """The attributes of `system:error`, those of both the classic engine and its successor."""
    return {
        "level": level,
        "data": value,
        "msg": value,
        "rid": rid,
        "error_rid": rid,
        "rule_name": rule,
        "genus": genus,
        "species": species,
    }
