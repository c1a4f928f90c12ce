"""Static analysis of rulesets: `check(text, name)`.

Errors prevent compilation or fail whenever their rule runs; warnings mark code that runs but may surprise.
Each has a code (`CODES`), and each code a section in docs/checks.md (`explanation`).

1. `reading` parses the text, recovering from syntax errors.
2. The resolver reports errors in names.
3. `bindings` finds what each name means, and who reads it; a `Subject` holds that for the checks.
4. Each check looks at the whole ruleset: `names`, `modules`, `calls`, `values`, `literals`, `layout`,
   `events`, `schedules`, `windows`.
"""

from __future__ import annotations

from datetime import datetime

from picosched.check.calls import look_at_calls
from picosched.check.events import look_at_events
from picosched.check.finding import CODES, Finding, Severity
from picosched.check.layout import look_at_layout
from picosched.check.literals import look_at_literals
from picosched.check.modules import look_at_modules
from picosched.check.names import look_at_names
from picosched.check.page import explanation
from picosched.check.reading import read
from picosched.check.schedules import look_at_schedules
from picosched.check.subject import Subject
from picosched.check.values import look_at_values
from picosched.check.windows import look_at_windows
from picosched.errors import KrlError, Span
from picosched.krl import syntax
from picosched.krl.resolver import resolve
from picosched.krl.ruleset import Ruleset
from picosched.krl.source import Source, source_of
from picosched.settings import Settings
from picosched.timespec.almanac import PLAIN, Almanac

__all__ = ["CODES", "Finding", "Severity", "check", "explanation", "syntax_errors"]

CHECKS = (
    look_at_names,
    look_at_modules,
    look_at_calls,
    look_at_values,
    look_at_literals,
    look_at_layout,
    look_at_events,
    look_at_schedules,
    look_at_windows,
)


def check(
    text: str,
    name: str | None = None,
    almanac: Almanac = PLAIN,
    now: datetime | None = None,
    *,
    classic: bool = False,
    settings: Settings | None = None,
) -> list[Finding]:
    """All errors and warnings for a ruleset, in the order of the text.

    Its timespecs are read with `almanac`. With `now`, calendars whose data ends soon are reported. `classic`
    adds those for a ruleset that is to run on the classic engine as well. `settings` are those of the engine
    that will run it, if they are known.
    """
    source = source_of(text, name)
    reading = read(source)
    findings = [_of_fault(fault) for fault in reading.faults]
    if reading.tree is not None:
        # No warnings if part of the text could not be parsed, since its uses of names are unknown.
        found = _of_tree(reading.tree, source, almanac, now, classic, settings)
        findings += [each for each in found if each.severity == "error" or not reading.faults]
    if not findings or all(each.severity == "warning" for each in findings):
        findings += _compiled(reading.tree, source)
    return sorted(findings, key=lambda each: each.place)


def syntax_errors(text: str, name: str | None = None) -> list[Finding]:
    """The syntax errors of a text."""
    return [_of_fault(fault) for fault in read(source_of(text, name)).faults]


def _of_tree(
    tree: syntax.Ruleset,
    source: Source,
    almanac: Almanac,
    now: datetime | None,
    as_classic: bool,
    settings: Settings | None,
) -> list[Finding]:
    try:
        resolved = resolve(tree, source)
    except KrlError as too_deep:
        return [_of_fault(too_deep)]
    subject = Subject(tree, source, resolved.inactive, almanac, now, as_classic, settings)
    for look_at in CHECKS:
        look_at(subject)
    return [*map(_of_fault, resolved.faults), *subject.findings]


def _compiled(tree: syntax.Ruleset | None, source: Source) -> list[Finding]:
    """Errors of compiling a ruleset that has no other errors."""
    if tree is None:
        return []
    try:
        Ruleset(source, tree)
    except KrlError as error:
        return [Finding.of("E004", error.message, error.span or source.span(0, 0))]
    except (SyntaxError, RecursionError, MemoryError) as error:  # a limit of Python's compiler
        line = (isinstance(error, SyntaxError) and error.lineno) or 1
        return [
            Finding.of(
                "E004",
                getattr(error, "msg", str(error)),
                Span(source.name, line, 1, line, len(source.line(line)) + 1),
            )
        ]
    return []


def _of_fault(fault: KrlError) -> Finding:
    assert fault.span is not None
    return Finding.of(fault.kind or "E001", fault.message, fault.span)
