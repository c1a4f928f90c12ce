"""Picos that keep time: KRL-like rulesets schedule events, and each is raised exactly once.

    from picosched import Engine

    with Engine("picos.db") as engine:
        pico = engine.new_pico(name="kitchen")
        pico.install("rulesets/tea_timer.krl")
        pico.raise_event("tea", "started", {"minutes": 5})

The names below are the public API. Each is imported on first use, so that a program pays only for the names
it needs.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from picosched.clock import SystemClock as SystemClock
    from picosched.clock import VirtualClock as VirtualClock
    from picosched.engine.engine import Engine as Engine
    from picosched.engine.pico import PicoRef as PicoRef
    from picosched.errors import KrlError as KrlError
    from picosched.errors import PicoschedError as PicoschedError
    from picosched.krl.ruleset import compile_ruleset as compile_ruleset
    from picosched.pico.event import Event as Event
    from picosched.pico.event import Query as Query
    from picosched.pico.turn import Directive as Directive
    from picosched.pico.turn import Turn as Turn
    from picosched.schedule.filter import Filter as Filter
    from picosched.schedule.fire import Fire as Fire
    from picosched.schedule.scheduled import Scheduled as Scheduled
    from picosched.settings import Settings as Settings
    from picosched.store.faults import InDoubtError as InDoubtError
    from picosched.store.store import Store as Store
    from picosched.timespec.timespec import Timespec as Timespec

PLACES = {
    "Directive": "picosched.pico.turn",
    "Engine": "picosched.engine.engine",
    "Event": "picosched.pico.event",
    "Filter": "picosched.schedule.filter",
    "Fire": "picosched.schedule.fire",
    "InDoubtError": "picosched.store.faults",
    "KrlError": "picosched.errors",
    "PicoRef": "picosched.engine.pico",
    "PicoschedError": "picosched.errors",
    "Query": "picosched.pico.event",
    "Scheduled": "picosched.schedule.scheduled",
    "Settings": "picosched.settings",
    "Store": "picosched.store.store",
    "SystemClock": "picosched.clock",
    "Timespec": "picosched.timespec.timespec",
    "Turn": "picosched.pico.turn",
    "VirtualClock": "picosched.clock",
    "compile_ruleset": "picosched.krl.ruleset",
}

__all__ = sorted(PLACES)


def __getattr__(name: str) -> Any:
    if name not in PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = globals()[name] = getattr(import_module(PLACES[name]), name)
    return value


def __dir__() -> list[str]:
    return [*globals(), *PLACES]
