"""A schedule that somebody outside makes in a pico, as a rule's `schedule` makes one.

It is made by the rules' own agenda, so that whatever holds there holds here: what is wrong with a time, a
timespec or a steering attribute, the limits, the granularity, and who has a name already. Only the ruleset is
missing: the rid is "", and in place of the rule stands who makes it.
"""

from __future__ import annotations

from typing import Any

from picosched.krl.size import spending
from picosched.pico.chance import Tape
from picosched.pico.event import Event
from picosched.pico.pico import Pico
from picosched.pico.turn import WARNING, Turn
from picosched.settings import Settings

NO_TURN = ""
"""The eid of the turn: it has no event, so nothing is to name it."""


def schedule(
    pico: Pico, event: Event, when: Any, maker: str, settings: Settings, drawn: Tape, *, repeats: bool
) -> tuple[Turn, str]:
    """The turn in which an event is scheduled, and the id of its schedule: new, or the one with that name.

    It draws from `drawn`, and extends it. Changes nothing else. KrlError for what a rule would fail for.
    """
    turn = Turn(NO_TURN, pico.id, event.time)
    pico.now = event.time
    effects = pico.effects
    pico.budget.begin()
    effects.begin_turn(turn, event, settings)
    try:
        with spending(pico.budget):
            pico.random.begin(drawn)
            effects.begin("", maker, event, 0)
            id = effects.agenda.schedule(event.domain, event.type, event.attrs, None, when, repeats)
            if not _selected(pico, event):
                name = f"{event.domain}:{event.type}"
                effects.log(WARNING, f"no rule of the pico {pico.name} selects {name} so far")
            effects.keep()
    except BaseException:
        effects.drop()
        raise
    finally:
        pico.random.end()
        effects.end_turn()
    return turn, id


def _selected(pico: Pico, event: Event) -> bool:
    """Whether a rule of the pico that can run selects such an event."""
    rulesets = [each.ruleset for each in pico.installed.values()]
    return any(
        each.rules[index].name not in each.inactive
        for each in rulesets
        for index in each.salient(event.domain, event.type)
    )
