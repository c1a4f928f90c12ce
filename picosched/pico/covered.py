"""Covers keys in what a pico shows of a turn or query, and finds the keys that configuration gives a ruleset.

What a rule stores, schedules and sends keeps its values, for it could not work without them. The answer, the
log, the errors and the reasons of its turn do not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from picosched.covered import Covers, texts_of
from picosched.errors import KrlError
from picosched.krl.keys import CONFIG, Key, Keys
from picosched.pico.turn import Turn

MOST_TEXTS = 64
"""Texts in the keys of one ruleset."""


def configured_keys(keys: Sequence[Key], rid: str, config: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a ruleset: those of the settings that are for it, and those of its own configuration."""
    found = {key.name: key.value for key in keys if rid in key.to}
    own = config.get(CONFIG)
    return {**found, **own} if isinstance(own, Mapping) else found


def cover_all(covers: Covers, keys: Keys) -> None:
    """Cover the keys of a ruleset; `too_large` if they have too many texts to look for."""
    found = [dict(each) for each in (keys.own, keys.provided, keys.configured)]
    texts = len(texts_of(found))
    if texts > MOST_TEXTS:
        raise KrlError(
            f"found {texts:,} texts in the keys that {keys.rid} may read, wanted at most {MOST_TEXTS}",
            code="too_large",
        )
    covers.add(found)


def covered_error(error: KrlError, covers: Covers) -> KrlError:
    """The error, with keys covered in its message."""
    if covers.texts:
        error.message = covers.text(error.message)
        error.args = (error.message,)
    return error


def cover_turn(turn: Turn, covers: Covers) -> None:
    """Cover keys in what a turn answers and records."""
    turn.directives = [replace(each, options=covers.value(each.options)) for each in turn.directives]
    turn.log = [replace(each, value=covers.value(each.value)) for each in turn.log]
    for error in turn.errors:
        covered_error(error, covers)
    for handled in turn.handled:
        handled.attrs = covers.value(handled.attrs)
        handled.considered = [
            each if each.why is None else replace(each, why=covers.text(each.why))
            for each in handled.considered
        ]
