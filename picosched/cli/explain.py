"""Explain for people why each rule selected by an event fired or not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from picosched.cli.printing import write
from picosched.krl.text import tree_text
from picosched.notation import directive_name, values_text

COLOURS = {"fired": "green", "failed": "red", "waiting": "cyan"}
WIDTH = max(map(len, ("fired", "notfired", "unselected", "waiting", "idle", "failed", "inactive")))


def event_text(domain: str, type: str, attrs: Mapping[str, Any]) -> str:
    return f"{domain}:{type} {values_text(dict(attrs))}".rstrip()


def directive_text(name: Any, options: Any) -> str:
    return f"{directive_name(name)} {tree_text(options)}"


def show_considered(considered: Iterable[Mapping[str, Any]], indent: str = "    ") -> None:
    """One line per rule: its outcome, its name, and the reason."""
    for each in considered:
        outcome = each["outcome"]
        place = f" (line {each['line']})" if each["line"] else ""
        why = f": {each['why']}" if each["why"] else place
        line = f"{indent}{outcome:<{WIDTH}}  {each['rid']}.{each['rule']}{why}"
        write(line, COLOURS.get(outcome, "yellow"))


def show_handled(handled: Iterable[Mapping[str, Any]], indent: str = "  ") -> None:
    """Each event of a turn, with its rules."""
    for each in handled:
        write(indent + event_text(each["domain"], each["type"], each["attrs"]))
        show_considered(each["considered"], indent + "  ")
        if not each["considered"]:
            write(f"{indent}  no rule selects it")
