"""A scope for KRL that stands alone: no pico, a fixed now, a seeded random."""

from __future__ import annotations

import random
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from picosched.errors import KrlError
from picosched.krl.budget import Budget, Limits
from picosched.krl.scope import Scope

NOW = datetime(2026, 3, 1, tzinfo=UTC)


class NoEffects:
    """What a ruleset outside any pico may do: nothing but log."""

    def direct(self, name: str, options: Any) -> None:
        raise KrlError("there is nobody to direct")

    def entity(self, rid: str, name: str, *, whole: bool = True) -> Any:
        return None

    def set_entity(self, rid: str, name: str, value: Any) -> None:
        raise KrlError("there is no pico")

    def raise_event(self, domain: str, type: str, attrs: Any, rids: Sequence[str] | None = None) -> None:
        raise KrlError("there is no pico")

    def log(self, level: str, value: Any) -> None:
        pass

    def error(self, level: str, value: Any) -> None:
        raise KrlError("there is no pico")


def new_scope(limits: Limits | None = None) -> Scope:
    return Scope(
        rid="demo",
        pico_id="pico",
        budget=Budget(limits or Limits()),
        effects=NoEffects(),
        now=lambda: NOW,
        random=random.Random(7),
        meta={},
        config={},
    )
