"""Explain for people why each rule selected by an event fired or not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from picosched.cli.printing import write
from picosched.clock import format_time
from picosched.krl.text import tree_text
from picosched.notation import directive_name, values_text

if TYPE_CHECKING:
    from picosched.engine.rehearsed import Record

Line = tuple[str, str]
"""A line, and its colour."""

COLOURS = {"fired": "green", "failed": "red", "waiting": "cyan"}
WIDTH = max(map(len, ("fired", "notfired", "unselected", "waiting", "idle", "failed", "inactive")))


def event_text(domain: str, type: str, attrs: Mapping[str, Any]) -> str:
    return f"{domain}:{type} {values_text(dict(attrs))}".rstrip()


def directive_text(name: Any, options: Any) -> str:
    return f"{directive_name(name)} {tree_text(options)}"


def considered_lines(considered: Iterable[Mapping[str, Any]], indent: str = "    ") -> Iterator[Line]:
    """One line per rule: its outcome, its name, and the reason."""
    for each in considered:
        outcome = each["outcome"]
        place = f" (line {each['line']})" if each["line"] else ""
        why = f": {each['why']}" if each["why"] else place
        line = f"{indent}{outcome:<{WIDTH}}  {each['rid']}.{each['rule']}{why}"
        yield line, COLOURS.get(outcome, "yellow")


def show_considered(considered: Iterable[Mapping[str, Any]], indent: str = "    ") -> None:
    """Print the lines of `considered_lines`."""
    for line in considered_lines(considered, indent):
        write(*line)


def record_lines(record: Record) -> Iterator[Line]:
    """An event of a rehearsal: when it was, why, what the rules made of it."""
    due = ""
    if record.scheduled is not None:
        name = f" {record.scheduled.name}" if record.scheduled.name else ""
        due = f"   scheduled{name}, due {format_time(record.scheduled.nominal)}"
    yield f"{format_time(record.at)}  {event_text(record.domain, record.type, record.attrs)}{due}", ""
    yield from considered_lines(record.considered)
    for each in record.directives:
        yield f"    {directive_text(each['name'], each['options'])}", ""
    for each in record.outside:
        yield f"    request not sent: {each['method']} {each['url']}", ""
    for error in record.errors:
        yield f"    error: {error}", ""


def show_handled(handled: Iterable[Mapping[str, Any]], indent: str = "  ") -> None:
    """Each event of a turn, with its rules."""
    for each in handled:
        write(indent + event_text(each["domain"], each["type"], each["attrs"]))
        show_considered(each["considered"], indent + "  ")
        if not each["considered"]:
            write(f"{indent}  no rule selects it")
