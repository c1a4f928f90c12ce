"""Shows a turn: each event with the rules that selected it, why they fired or not, and the results.

`Told` is the common form of new turns and journal entries. The journal does not keep the scheduled rows.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from nicegui import ui

from picosched.notation import directive_name
from picosched.pico.turn import Turn
from picosched.schedule.scheduled import Scheduled
from picosched.store.journal import Entry
from picosched.web.console.parts import JsonTree, badge, box, long_name, moment, ruleset_path, text

OUTCOMES = ("fired", "failed", "notfired", "inactive", "unselected", "waiting", "idle", "none")
"""Possible outcomes of a rule; "none" means that no rule selects the event."""


@dataclass(frozen=True, slots=True)
class Told:
    """The content of a turn; `handled`, `directives` and `log` as in the journal."""

    handled: Sequence[Mapping[str, Any]]
    directives: Sequence[Mapping[str, Any]]
    errors: Sequence[str]
    log: Sequence[Mapping[str, Any]]
    made: Sequence[Scheduled] = field(default=())
    changed: Sequence[Scheduled] = field(default=())

    @classmethod
    def of_turn(cls, turn: Turn) -> Told:
        return cls(
            handled=[asdict(each) for each in turn.handled],
            directives=[asdict(each) for each in turn.directives],
            errors=[str(each) for each in turn.errors],
            log=[asdict(each) for each in (*turn.log, *turn.sent)],
            made=[*turn.scheduled.values()],
            changed=[*turn.rescheduled.values()],
        )

    @classmethod
    def of_entry(cls, entry: Entry) -> Told:
        return cls(entry.handled, entry.directives, entry.errors, entry.log)


def outcome_of(handled: Sequence[Mapping[str, Any]]) -> str:
    """The outcome that represents a turn: failed before fired before all others."""
    found = {considered["outcome"] for each in handled for considered in each["considered"]}
    for outcome in ("failed", "fired", "notfired", "inactive", "idle", "waiting", "unselected"):
        if outcome in found:
            return outcome
    return "none"


def event_name(handled: Sequence[Mapping[str, Any]]) -> str:
    """The event that started the turn."""
    return f"{handled[0]['domain']}:{handled[0]['type']}" if handled else "–"


def summary(handled: Sequence[Mapping[str, Any]], directives: int, errors: int) -> str:
    """A turn in one line."""
    considered = [each for event in handled for each in event["considered"]]
    fired = sum(each["outcome"] == "fired" for each in considered)
    parts = [
        f"{fired} of {len(considered)} rule{'s' * (len(considered) != 1)} fired"
        if considered
        else "no rule selects it"
    ]
    for count, word in ((len(handled) - 1, "event raised"), (directives, "directive"), (errors, "error")):
        if count > 0:
            first, _, rest = word.partition(" ")
            parts.append(f"{count} {first}{'s' if count > 1 else ''} {rest}".rstrip())
    return " · ".join(parts)


def show_told(told: Told) -> None:
    """Show the whole turn."""
    with box("told"):
        for error in told.errors:
            long_name("pre", error, "fault")
        for handled in told.handled:
            _show_handled(handled)
        _show_directives(told.directives)
        _show_scheduled("Scheduled", told.made)
        _show_scheduled("Changed", told.changed)
        _show_log(told.log)


def _show_handled(handled: Mapping[str, Any]) -> None:
    with box("handled"):
        long_name("h3", f"{handled['domain']}:{handled['type']}", "event")
        if handled["attrs"]:
            JsonTree(handled["attrs"])
        if not handled["considered"]:
            text("p", "No rule of this pico selects it.", "muted small")
            return
        with box("considered"):
            for each in handled["considered"]:
                badge(each["outcome"])
                line = f":{each['line']}" if each["line"] else ""
                place = ruleset_path(each["rid"], None, each["line"])
                long_name("a", f"{each['rid']}.{each['rule']}{line}", "mono", place)
                text("span", each["why"] or "", "why muted small")


def _show_directives(directives: Sequence[Mapping[str, Any]]) -> None:
    if not directives:
        return
    with box("stack-small"):
        text("h3", f"Directives ({len(directives)})")
        for each in directives:
            with box("handled"):
                with box("line"):
                    text("span", directive_name(each["name"]), "event")
                    text("span", f"{each['rid']}.{each['rule']}", "mono muted")
                if each["options"]:
                    JsonTree(each["options"])


def _show_scheduled(title: str, rows: Sequence[Scheduled]) -> None:
    if not rows:
        return
    with box("stack-small"):
        text("h3", f"{title} ({len(rows)})")
        for row in rows:
            with box("line"):
                badge(row.state)
                text("span", f"{row.domain}:{row.type}", "mono")
                moment(row.due)
                if row.timespec:
                    text("span", row.timespec, "tag")
                text("span", row.id, "mono muted")


def _show_log(log: Sequence[Mapping[str, Any]]) -> None:
    if not log:
        return
    with box("stack-small"):
        text("h3", f"Log ({len(log)})")
        for each in log:
            with box("line"):
                tone = {"error": "bad", "warn": "warn", "warning": "warn"}.get(each["level"], "quiet")
                badge(each["level"], tone)
                text("span", f"{each['rid']}.{each['rule'] or ''}".rstrip("."), "mono muted")
                if isinstance(each["value"], str):
                    text("span", each["value"])
                else:
                    JsonTree(each["value"])


def show_fields(fields: Sequence[tuple[str, str | datetime | Mapping[str, str] | None]]) -> None:
    """Show names with values, links as `{"text", "href"}`; None values are omitted."""
    with ui.element("dl").classes("facts"):
        for name, value in fields:
            if value is None:
                continue
            text("dt", name)
            with ui.element("dd"):
                if isinstance(value, datetime):
                    moment(value)
                elif isinstance(value, Mapping):
                    ui.link(value["text"], value["href"])
                else:
                    long_name("span", value, "mono")
