"""Evaluates one event in one pico: `evaluate` returns the turn; `answer` returns the value of a query.

The queue of a turn holds (ruleset, event) pairs, first in first out. The event that starts the turn makes a
pair for each ruleset, in the order of installation; a ruleset handles an event with all its rules before the
next pair; events that rules raise are appended. So an event raised in a turn is handled after every ruleset
has finished with the current one.

A failing rule loses only its own effects: its error is in the turn and is raised as `system:error`, and the
other rules continue. If the budget of the whole turn is exhausted, the turn ends with the effects so far, and
lists the rules it did not reach.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

from picosched import standard
from picosched.errors import KrlError, PicoschedError, Span
from picosched.krl.budget import Postponed
from picosched.krl.keys import Keys, without_config_keys
from picosched.krl.running import Instance, instantiate
from picosched.krl.scope import Scope, Value
from picosched.krl.size import BOUNDS, spending
from picosched.krl.text import json_value, measured
from picosched.pico.covered import configured_keys, cover_all, cover_turn, covered_error
from picosched.pico.effects import PicoEffects, error_attributes
from picosched.pico.event import Event, Query
from picosched.pico.inputs import kept
from picosched.pico.memory import Installed
from picosched.pico.pico import Pico
from picosched.pico.said import Answers, Unanswered
from picosched.pico.turn import Considered, Handled, Turn
from picosched.pico.windows import Windows
from picosched.schedule.scheduled import Scheduled
from picosched.settings import Settings

if TYPE_CHECKING:
    from picosched.krl.ruleset import Ruleset

NOTED = 8
"""Rules behind a `last`, and rulesets that an event was not for, that are recorded."""

CONSIDERED, FAILED = 40, 1_000
"""Steps for considering a rule and recording the outcome; for recording an error."""

Pairs = deque[tuple[str, Event, int]]
"""Rulesets and the events they will handle, with the index of each event in `Turn.handled`."""


def evaluate(
    pico: Pico,
    event: Event,
    settings: Settings,
    answers: Answers | None = None,
    settled: Scheduled | None = None,
    *,
    light: bool = False,
    entry: str | None = None,
) -> Turn:
    """The turn of an event in a pico. Changes nothing itself: all changes are in the turn.

    `settled` is the scheduled event that came due, as it will be after this occurrence: so the rules see it.
    What it starts is the work of that, or of the `entry` of a source.
    Raises Unanswered if a rule needs an answer from outside that is not among `answers`, and Postponed if
    it is only a `light` try and takes more than that.
    """
    turn = Turn(event.eid, pico.id, event.time, event.eci, settled=settled, entry=entry)
    pico.now, pico.host = event.time, pico.world.host(event.host)
    budget, effects = pico.budget, pico.effects
    budget.begin(light)
    effects.begin_turn(turn, event, settings)
    pairs: Pairs = deque()
    _enqueue(pico, turn, pairs, event)
    installed = dict(pico.installed)
    effects.answers, effects.asked = answers or Answers(), 0
    before, BOUNDS.budget = BOUNDS.budget, budget
    try:
        if pico.covers.texts:
            # If it is too much, the next rule fails.
            budget.steps -= pico.covers.cost(measured(event.attrs)[1])
        pico.random.begin(effects.answers.drawn)
        while pairs and budget.over is None:
            _handle(pico, turn, pairs, *pairs.popleft())
        for rid, _, place in pairs:
            turn.handled[place].considered.append(_unreached(pico, rid))
    except (Unanswered, Postponed):
        pico.installed = installed
        raise
    finally:
        BOUNDS.budget = before
        pico.random.end()
        effects.end_turn()
    if pico.covers.texts:
        cover_turn(turn, pico.covers)
    came = effects.answers
    if came.drawn or came.given or not settings.recorded_bytes:
        turn.inputs = kept(came, pico.covers, settings.recorded_bytes)
    return turn


def answer(
    pico: Pico, query: Query, now: datetime, answers: Answers | None = None, *, light: bool = False
) -> Any:
    """The JSON value of a query. PicoschedError if there is no such function, KrlError if it fails.

    Raises Unanswered and Postponed as `evaluate` does.
    """
    pico.budget.begin(light)
    before, BOUNDS.budget = BOUNDS.budget, pico.budget
    try:
        return answer_within(pico, query, now, answers)
    finally:
        BOUNDS.budget = before


def answer_within(pico: Pico, query: Query, now: datetime, answers: Answers | None = None) -> Any:
    """As `answer`, within a turn or query of another pico, whose budget is charged."""
    pico.now, pico.host = now, pico.world.host(query.host)
    instance = start(pico, query.rid)
    scope = instance.scope
    scope.event = scope.rule = None
    scope.query = query
    pico.effects.rid, pico.effects.txn_id = query.rid, query.id
    pico.effects.end_turn()
    pico.effects.answers, pico.effects.asked = answers or Answers(), 0
    pico.effects.answering = True
    try:
        if answers is not None:
            pico.random.begin(answers.drawn)
        found = json_value(instance.query(query.name, query.args))
        if not pico.covers.texts:
            return found
        pico.budget.charge(pico.covers.cost(measured(found)[1]))
        return pico.covers.value(found)
    except KrlError as error:
        raise covered_error(error, pico.covers) from error.__cause__
    finally:
        scope.query = None
        pico.effects.answering = False
        if answers is not None:
            pico.random.end()


def start(pico: Pico, rid: str) -> Instance:
    """The ruleset's instance in a pico; evaluates its globals if needed."""
    installed = pico.installed.get(rid)
    if installed is None:
        raise PicoschedError(f"the pico {pico.name} has no ruleset {rid}", "not_found")
    if installed.instance is None:
        # Its globals outlive this request, so they must not hold the Host that its client sent.
        asked, pico.host = pico.host, pico.world.host(None)
        try:
            with spending(pico.budget):
                installed.instance = _instance(pico, installed, installed.config, ())
        finally:
            pico.host = asked
    return installed.instance


def _instance(
    pico: Pico, installed: Installed, config: Mapping[str, Value], clients: tuple[str, ...]
) -> Instance:
    ruleset = installed.ruleset
    if ruleset.rid in clients:
        cycle = " uses ".join((*clients[clients.index(ruleset.rid) :], ruleset.rid))
        raise KrlError(f"the modules use each other in a circle: {cycle}")

    def use(rid: str, settings: Mapping[str, Value]) -> Mapping[str, Value] | None:
        module = pico.installed.get(rid)
        if module is None:
            if ruleset.classic:
                return None
            raise KrlError(
                f"the module {rid} is not installed on the pico {pico.name}{standard.hint(rid)}",
                code="not_found",
            )
        instance = _instance(pico, module, settings, (*clients, ruleset.rid))
        keys.provided.update(instance.keys_for(ruleset.rid))
        return instance.provided

    keys = Keys(ruleset.rid, configured_keys(pico.effects.settings.keys, ruleset.rid, installed.config))
    scope = Scope(
        rid=ruleset.rid,
        pico_id=pico.id,
        budget=pico.budget,
        effects=pico.effects,
        now=lambda: pico.now,
        random=pico.random,
        meta={**ruleset.meta, "calling_rid": clients[-1]} if clients else ruleset.meta,
        config=without_config_keys(config),
        keys=keys,
        host=lambda: pico.host,
        windows=Windows(
            ruleset,
            pico.effects.settings,
            partial(pico.effects.entity, ruleset.rid),
            pico.world.made_windows,
        ),
    )
    rid, pico.effects.rid = pico.effects.rid, ruleset.rid
    try:
        try:
            return instantiate(ruleset, scope, use)
        finally:
            cover_all(pico.covers, keys)
    except KrlError as error:
        raise covered_error(error, pico.covers) from error.__cause__
    finally:
        pico.effects.rid = rid


def _enqueue(pico: Pico, turn: Turn, pairs: Pairs, event: Event) -> None:
    place = len(turn.handled)
    turn.handled.append(Handled(event.domain, event.type, event.attrs))
    passed_over = []
    for rid, installed in pico.installed.items():
        if event.rids is not None and rid not in event.rids:
            passed_over.append(rid)
        elif installed.ruleset.salient(event.domain, event.type):
            pairs.append((rid, event, place))
    if passed_over:
        _note_bypassed(pico, turn.handled[place], event, passed_over)


def _handle(pico: Pico, turn: Turn, pairs: Pairs, rid: str, event: Event, place: int) -> None:
    """Run all rules of one ruleset that the event is salient to, in text order."""
    if rid not in pico.installed:  # uninstalled by a rule of this turn
        return
    ruleset = pico.installed[rid].ruleset
    try:
        if pico.installed[rid].instance is None:
            pico.budget.begin_rule()
        instance = start(pico, rid)
    except KrlError as error:  # its globals fail now, unlike at the install
        turn.errors.append(error)
        turn.handled[place].considered.append(Considered(rid, "*", "failed", str(error)))
        return
    scope = instance.scope
    scope.event = event
    for index in ruleset.salient(event.domain, event.type):
        if pico.budget.over is not None:
            turn.handled[place].considered.append(_unreached(pico, rid))
            break
        scope.rule = ruleset.rules[index].name
        last = _try_rule(pico, turn, pairs, instance, index, event, place)
        if last:
            _note_behind(ruleset, turn.handled[place], event, index)
            break
    scope.event = scope.rule = None


def _try_rule(
    pico: Pico, turn: Turn, pairs: Pairs, instance: Instance, index: int, event: Event, place: int
) -> bool:
    """Select a rule and run it; True if it ended this ruleset's rules with `last`."""
    ruleset, effects = instance.ruleset, pico.effects
    rid, rule = ruleset.rid, ruleset.rules[index]
    key = (rid, rule.name)
    effects.begin(rid, rule.name, event, place)
    handled = turn.handled[place]
    try:
        pico.budget.begin_rule(CONSIDERED)
        state = turn.waiting[key] if key in turn.waiting else pico.waiting(*key)
        selection = instance.select(index, event, state)
        if selection.state is not state:
            if selection.state is not None:
                effects.say(measured(selection.state)[1], for_good=True)
            turn.waiting[key] = selection.state
        if selection.bindings is None:
            effects.drop()
            outcome = "unselected" if selection.state is None else "waiting"
            why = selection.why
            if selection.state is not None or not why:
                why = "; ".join(filter(None, (why, instance.awaited(index, selection.state))))
            handled.considered.append(Considered(rid, rule.name, outcome, why, rule.line))
            return False
        if rule.name in ruleset.inactive:
            effects.drop()
            why = ruleset.inactive[rule.name]
            handled.considered.append(Considered(rid, rule.name, "inactive", why, rule.line))
            return False
        ran = instance.run(index, selection.bindings)
    except KrlError as error:
        effects.drop()
        if error.span is None:  # it failed before the rule ran
            error.span = Span(ruleset.source.name, rule.line, 1, rule.line, 1)
            error.text = ruleset.source.text
        _fail(pico, turn, pairs, effects, error, rid, rule.name, event)
        handled.considered.append(Considered(rid, rule.name, "failed", error.message, error.span.line))
        return False
    said = effects.keep()
    if said.ends_events:
        pairs.clear()
    for raised in said.raised:
        _enqueue(pico, turn, pairs, raised)
    if ran.fired:
        handled.considered.append(Considered(rid, rule.name, "fired", None, rule.line))
    elif ran.notfired:
        why = f"its condition on line {rule.condition_line} is false"
        if said.saw is not None:
            why = f"{why}: {said.saw}"
        handled.considered.append(Considered(rid, rule.name, "notfired", why, rule.condition_line))
    else:
        handled.considered.append(Considered(rid, rule.name, "idle", "its foreach has no pass", rule.line))
    return ran.last


def _note_behind(ruleset: Ruleset, handled: Handled, event: Event, ended: int) -> None:
    """Record the first rules of a ruleset that came after one which ended it with `last`."""
    why = f"the rule {ruleset.rules[ended].name} ended it with `last`"
    behind = [each for each in ruleset.salient(event.domain, event.type) if each > ended]
    for each in behind[:NOTED]:
        rule = ruleset.rules[each]
        handled.considered.append(Considered(ruleset.rid, rule.name, "unreached", why, rule.line))


def _note_bypassed(pico: Pico, handled: Handled, event: Event, rids: Sequence[str]) -> None:
    """Record the first rulesets that would select an event, had it been for them as well."""
    why = f"the event was only for {', '.join(event.rids or ())}"
    found = (rid for rid in rids if pico.installed[rid].ruleset.salient(event.domain, event.type))
    handled.considered += [Considered(rid, "*", "bypassed", why) for rid in islice(found, NOTED)]


def _unreached(pico: Pico, rid: str) -> Considered:
    """A record for the rules of a ruleset that were not considered because the turn was over."""
    return Considered(rid, "*", "unreached", f"the turn was over: {pico.budget.over}")


def _fail(
    pico: Pico,
    turn: Turn,
    pairs: Pairs,
    effects: PicoEffects,
    error: KrlError,
    rid: str,
    rule: str,
    event: Event,
) -> None:
    """Record a rule's error and raise it as `system:error`; an error in handling one is only recorded."""
    pico.budget.steps -= FAILED  # if it is too much, the next rule fails
    turn.errors.append(error)
    if (event.domain, event.type) == ("system", "error"):
        return
    attrs = error_attributes("error", str(error), rid, rule, "runtime", error.code)
    targets = (effects.error_rid(rid),)
    _enqueue(pico, turn, pairs, Event("system", "error", attrs, turn.eid, turn.now, event.eci, targets))
