"""Lets rules send events to picos of other engines.

An event becomes a delivery, which is part of the turn: it is on its way once the turn is committed, and lost
with its rule if that fails. Nothing is connected to here, so a host is refused by what its URL says; one
whose name leads to a private address is refused when the delivery is tried.
"""

from __future__ import annotations

from urllib.parse import quote

from picosched.errors import KrlError, PicoschedError
from picosched.krl.scope import Value
from picosched.krl.text import json_text, measured, of_text
from picosched.krl.values import shown
from picosched.pico.delivery import Delivery
from picosched.pico.said import Speaking
from picosched.pico.turn import Turn

WRITTEN, ROW = 400, 1_000
"""Steps and bytes of a delivery besides its texts and attributes."""


class PicoOutbox:
    """The events that a pico's rules send to other engines."""

    def __init__(self, effects: Speaking) -> None:
        self._effects = effects
        self._before = 0
        """Deliveries the pico had pending before the turn that last sent one."""
        self._turn: Turn | None = None
        """That turn."""

    def send(self, host: str, eci: str, domain: str, type: str, attrs: Value) -> str:
        effects, pico = self._effects, self._effects.pico
        said, turn = effects.speaking("send an event"), effects.turn
        assert turn is not None
        copy, size = measured(attrs)
        effects.say(ROW + size + sum(map(of_text, (host, eci, domain, type))), steps=WRITTEN)
        limits = effects.settings.limits
        body = json_text(copy)
        if len(body.encode("utf-8", "replace")) > limits.max_attrs_bytes:
            raise KrlError(
                f"found attributes of more than {limits.max_attrs_bytes:,} bytes (max_attrs_bytes) "
                f"for the host {shown(host)}",
                code="too_large",
            )
        url = self._url(host, eci, domain, type)
        if self._turn is not turn:
            self._turn, self._before = turn, pico.state.on_their_way(pico.id)
        pending = self._before + len(turn.deliveries) + len(said.deliveries)
        if pending >= limits.max_pending:
            raise KrlError(
                f"found {pending:,} events of this pico on their way to other engines, "
                f"wanted fewer than {limits.max_pending:,} (max_pending)",
                code="too_large",
            )
        delivery = Delivery(
            id=effects.new_id(),
            source_id="",
            entry_id="",
            nominal=turn.now,
            url=url,
            body=body,
            created=turn.now,
            due=turn.now,
            pico_id=pico.id,
            rid=said.rid,
            rule=said.rule,
        )
        said.deliveries.append(delivery)
        return delivery.id

    def _url(self, host: str, eci: str, domain: str, type: str) -> str:
        """The URL that raises the event there; KrlError if its host is invalid or refused."""
        base = host.strip().rstrip("/")
        if any(sign in base for sign in "?#@"):
            raise KrlError(
                "found a host with a query, a fragment or a user, wanted one like https://example.org"
            )
        try:
            refusal = self._effects.pico.world.refusal_of(base)
        except PicoschedError as error:
            raise KrlError(f"found the host {shown(host)}: {error.message}", code=error.code) from error
        if refusal is not None:
            raise KrlError(f"events may not be sent to {shown(host)}: {refusal}", code="refused")
        path = "/".join(quote(part, safe="") for part in (eci, "event", domain, type))
        return f"{base}/c/{path}"
