"""Findings and their codes. Codes never change their meaning."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from picosched.errors import KrlError, Span

Severity = Literal["error", "warning"]

CODES: dict[str, str] = {
    # Syntax errors.
    "E001": "syntax error",
    "E002": "path after choose",
    "E003": "too large",
    "E004": "cannot be compiled",
    # Names.
    "E101": "unknown name",
    "E102": "used before it is declared",
    "E103": "unknown operator",
    "E104": "unknown function",
    "E105": "unknown action",
    "E107": "action as a function",
    "E108": "function as an action",
    "E109": "rule without a select",
    "E110": "action without a label",
    "E111": "second declaration",
    "E112": "second parameter",
    "E113": "second argument",
    "E114": "second rule",
    "E116": "second meta property",
    "E117": "parameter without a default",
    "E118": "argument after a named one",
    "E119": "nothing to share",
    "E120": "shared action",
    "E121": "second window",
    # Invalid values.
    "E201": "invalid regular expression",
    "E202": "pset without a variable",
    # Events and schedules that fail whenever their rule runs.
    "E301": "no event name",
    "E302": "attributes that are not a map",
    "E303": "invalid time",
    "E304": "invalid timespec",
    "E305": "unknown time zone",
    "E306": "wrong steering attribute",
    "E307": "window that never opens",
    # Warnings: names.
    "W101": "unused name",
    "W102": "unused global",
    "W103": "unused parameter",
    "W104": "assignment to itself",
    "W105": "bare attribute",
    "W106": "nothing captured",
    "W107": "unused window",
    "W108": "unknown member",
    "W109": "unknown module",
    "W110": "action of a module as a function",
    "W111": "function of a module as an action",
    "W112": "second module",
    "W113": "second declaration in a classic ruleset",
    "W114": "unknown name in a classic ruleset",
    # Expressions.
    "W201": "key given twice",
    "W202": "comparison that never changes",
    "W203": "constant test",
    "W204": "continued on a later line",
    "W205": "beesting in a plain string",
    "W206": "escape in a plain string",
    "W207": "unknown argument",
    "W208": "too many arguments",
    "W209": "read only once",
    # Rules and events.
    "W301": "never selected",
    "W302": "unreachable after last",
    "W303": "selected by no rule",
    "W304": "cannot be selected",
    "W305": "inactive rule",
    "W306": "nearly an event of schedules",
    # Schedules.
    "W401": "not a classic domain",
    "W402": "timespec with seconds",
    "W403": "faster than allowed",
    "W404": "no effect on at",
    "W405": "nearly a steering attribute",
    "W406": "unknown window",
    "W407": "window that never closes",
    "W408": "unknown calendar or place",
    "W409": "calendar that ends",
    "W410": "business days without a calendar",
    "W411": "window without a start",
    "W412": "retry that never comes",
    # Several rulesets together.
    "W501": "rule that nothing reaches",
    "W502": "selected by no rule of any ruleset",
    "W503": "attributes that no rule accepts",
    "W504": "loop without end",
    "W505": "loop that multiplies",
    "W506": "attribute that is never given",
    "W507": "too large as a whole",
    "W508": "operator that an attribute does not fit",
    "W509": "pattern that nothing matches",
}
"""Every code and its name. `docs/checks.md` has a section for each."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An error or warning at a position in a ruleset."""

    code: str
    severity: Severity
    message: str
    span: Span

    @classmethod
    def of(cls, code: str, message: str, span: Span) -> Finding:
        return cls(code, "error" if code.startswith("E") else "warning", message, span)

    @property
    def error(self) -> KrlError:
        """The finding as a KrlError, to be shown with its line and a caret."""
        return KrlError(f"{self.code} {self.message}", self.span, kind=self.code)

    @property
    def place(self) -> tuple[int, int, str]:
        """Sorts findings in the order of the text."""
        return self.span.line, self.span.column, self.code
