"""For whom an engine works: whoever acts from outside, with the rights of that one.

`engine.acting(actor)` is the same engine, with the same store, queues and threads; what is done through it is
done by that actor: refused if its role does not cover it, and kept with its name, in schedules and the audit.
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from datetime import datetime
from typing import Any, Self

from picosched.acting import ACTIONS, PYTHON, Actor, Role
from picosched.audit import deed_of
from picosched.hashed import SHORT
from picosched.store.store import Store

OF_AUTHORS = ("wrangler", "engine_ui", "source")
"""Domains by whose events the standard rulesets do what authors may."""


class Acting:
    """The part of an engine that knows who acts."""

    store: Store
    by = Actor(PYTHON)
    now: Callable[[], datetime]

    def acting(self, by: Actor | str) -> Self:
        """The same engine for somebody else: an actor, or a surface with all rights."""
        other = copy(self)
        other.by = by if isinstance(by, Actor) else Actor(by)
        return other

    @property
    def noted(self) -> Actor | None:
        """Whoever acts, if the audit is to tell; None for the program that embeds the engine."""
        return None if self.by.surface == PYTHON else self.by

    def note(self, what: str, kind: str, on: str, told: str | None = None) -> None:
        """Inside a transaction: record in the audit that this was done, and by whom."""
        if self.noted is not None:
            self.store.audit.add(deed_of(self.by, self.now(), what, kind, on, told))

    def keep(self, what: str, at: datetime, **told: Any) -> None:
        """Inside a transaction: keep what was done with its arguments, so that a replay can do it again."""
        self.store.interventions.add(at, what, str(self.by), told)

    def permit(self, what: str) -> None:
        """`refused` unless whoever acts may do this, one of ACTIONS."""
        if not self.by.may(what):
            self.by.need(ACTIONS[what], f"nothing was {what}")

    def permit_event(self, domain: str) -> None:
        """`refused` unless whoever acts may raise an event of this domain."""
        self.permit("raised")
        if domain in OF_AUTHORS:
            self.by.need(Role.AUTHOR, f"events of {domain} install rulesets, make picos or add sources")

    def shown_eci(self, eci: str) -> str:
        """An eci, which is a key: for others than authors only its beginning."""
        return eci if self.by.role is Role.AUTHOR else f"{eci[:SHORT]}…"
