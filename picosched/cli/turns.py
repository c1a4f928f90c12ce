"""A turn, printed for people or as JSON."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from picosched.cli.printing import show_error, shown_time, write

if TYPE_CHECKING:
    from picosched.pico.turn import Turn


def turn_json(turn: Turn, explain: bool = False) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "eid": turn.eid,
        "directives": [
            {"name": each.name, "options": each.options, "rid": each.rid, "rule": each.rule}
            for each in turn.directives
        ],
        "scheduled": [*turn.scheduled],
        "cancelled": sorted(turn.cancelled),
        "deliveries": [each.id for each in turn.deliveries],
        "errors": [str(error) for error in turn.errors],
        "warnings": turn.warnings,
    }
    if explain:
        shown["handled"] = [asdict(each) for each in turn.handled]
    return shown


def show_turn(turn: Turn, explain: bool = False) -> None:
    """Print directives, scheduled, sent and cancelled events; errors go to stderr."""
    from picosched.cli.explain import directive_text, event_text, show_handled
    from picosched.hashed import SHORT

    if explain:
        show_handled(asdict(each) for each in turn.handled)
    for directive in turn.directives:
        write(directive_text(directive.name, directive.options))
    for made in turn.scheduled.values():
        event = event_text(made.domain, made.type, made.attrs)
        write(f"scheduled {event} for {shown_time(made.due)} ({made.id[:SHORT]})")
    for sent in turn.deliveries:
        write(f"sent to {sent.shown_url} (delivery {sent.id[:SHORT]})")
    if turn.cancelled:
        write(f"cancelled {', '.join(id[:SHORT] for id in sorted(turn.cancelled))}")
    first = turn.handled[0]
    if not first.considered and not explain:
        write(f"no rule selects {first.domain}:{first.type}")
    elif not (explain or turn.errors or _fired(turn)):
        write("no rule fired; --explain says why")
    for warning in turn.warnings:
        write(f"warning: {warning}", "yellow", stderr=True)
    for error, (_, rule) in zip(turn.errors, turn.failed, strict=True):
        show_error(error, of=rule)


def _fired(turn: Turn) -> bool:
    return any(each.outcome == "fired" for handled in turn.handled for each in handled.considered)
