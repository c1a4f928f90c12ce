"""Options that select scheduled events, shared by all commands that work on them.

`filtering` gives a command the filter options; `choosing` adds ids, `--dry-run` and `--yes`. Both replace
the command's first parameter by these options.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Literal

from picosched.cli.completing import complete_id, complete_name, complete_rid
from picosched.cli.declared import Argument, Option, WrongUseError
from picosched.cli.options import AnyPico, with_options
from picosched.cli.where import load_scheduled, pico_of
from picosched.clock import parse_time

if TYPE_CHECKING:
    from picosched.engine.reached import Reached
    from picosched.schedule.filter import Filter
    from picosched.schedule.scheduled import Scheduled

Kind = Literal["at", "repeat", "window"]
Standing = Literal["pending", "paused", "finished", "cancelled", "all"]

Rid = Annotated[
    str | None,
    Option(
        "--rid", metavar="RID", help="Only events scheduled by this ruleset.", autocompletion=complete_rid
    ),
]
Name = Annotated[
    str | None,
    Option("--name", metavar="NAME", help="Only events with this name.", autocompletion=complete_name),
]
EventName = Annotated[
    str | None, Option("--event", metavar="DOMAIN[:TYPE]", help="Only this domain, or domain and type.")
]
OfKind = Annotated[Kind | None, Option("--kind", help="Only this kind.")]
Text = Annotated[
    str | None,
    Option("--text", metavar="TEXT", help="Only if the event, the name or the description contains this."),
]


@dataclass(frozen=True)
class Wanted:
    """The values of the filter options."""

    pico: str | None = None
    rid: str | None = None
    name: str | None = None
    event: str | None = None
    kind: Kind | None = None
    status: Standing | None = None
    since: str | None = None
    until: str | None = None
    text: str | None = None

    @property
    def anything(self) -> bool:
        """Whether any option is given."""
        return self != Wanted()

    def filter(self, engine: Reached) -> Filter:
        """The filter; `not_found` for a pico that does not exist, `invalid` for an invalid time."""
        from picosched.schedule.filter import Filter
        from picosched.schedule.scheduled import COMING, Status

        domain, _, type = (self.event or "").partition(":")
        if self.event is not None and not domain and not type:
            raise WrongUseError("--event is a domain, such as tea, or a domain and a type, tea:ready")
        status: tuple[Status, ...] = COMING
        if self.status is not None:
            status = () if self.status == "all" else (Status(self.status),)
        return Filter(
            pico_id=None if self.pico is None else pico_of(engine, self.pico).id,
            rid=self.rid,
            name=self.name,
            domain=domain or None,
            type=type or None,
            kind=self.kind,
            status=status,
            since=None if self.since is None else parse_time(self.since),
            until=None if self.until is None else parse_time(self.until),
            text=self.text,
        )


@dataclass(frozen=True)
class Chosen:
    """The events to change: given by ids and names, or by a filter."""

    ids: tuple[str, ...]
    wanted: Wanted
    dry_run: bool
    yes: bool

    def rows(self, engine: Reached, verb: str) -> list[Scheduled]:
        """The selected events, all pending or paused.

        All ids and names are looked up first, so a typo in one changes nothing. For a filter the user must
        confirm, because it may match more than intended.
        """
        if self.ids and self.wanted.anything:
            raise WrongUseError("give IDs or a filter, not both")
        if self.ids:
            return [*{row.id: row for row in (load_scheduled(engine, id) for id in self.ids)}.values()]
        if not self.wanted.anything:
            raise WrongUseError(
                "give IDs or names, as shown by `picosched scheduled`, or a filter such as --rid tea_timer; "
                "--dry-run shows which events match"
            )
        rows = engine.agenda.scheduled(self.wanted.filter(engine))
        if rows and not self.dry_run and not self.yes:
            _ask(f"{verb} {len(rows):,} event{'s' if len(rows) > 1 else ''}?")
        return rows


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise WrongUseError(
            f"this would {question[:-1]}: add --yes, or --dry-run to see which; on a terminal you are asked"
        )
    import typer  # late: it is slow to import

    if not typer.confirm(question, err=True):
        raise SystemExit(1)


def _list_options(
    pico: AnyPico = None,
    rid: Rid = None,
    name: Name = None,
    event: EventName = None,
    kind: OfKind = None,
    status: Annotated[Standing | None, Option("--status", help="Default: pending and paused.")] = None,
    since: Annotated[
        str | None, Option("--since", "--due-since", metavar="TIME", help="Due at this time or later.")
    ] = None,
    until: Annotated[
        str | None,
        Option("--until", "--due-until", metavar="TIME", help="Due at this time or earlier."),
    ] = None,
    text: Text = None,
) -> Wanted:
    return Wanted(pico, rid, name, event, kind, status, since, until, text)


def _change_options(
    ids: Annotated[
        list[str] | None,
        Argument(
            metavar="ID…",
            help="As shown by `scheduled`, or an unambiguous prefix; or a name.",
            autocompletion=complete_id,
        ),
    ] = None,
    pico: AnyPico = None,
    rid: Rid = None,
    name: Name = None,
    event: EventName = None,
    kind: OfKind = None,
    # Not --until, which gives the end of a pause.
    due_since: Annotated[
        str | None, Option("--due-since", metavar="TIME", help="Only events due at this time or later.")
    ] = None,
    due_until: Annotated[
        str | None,
        Option("--due-until", metavar="TIME", help="Only events due at this time or earlier."),
    ] = None,
    text: Text = None,
    dry_run: Annotated[
        bool, Option("--dry-run", help="Show the matching events, and change nothing.")
    ] = False,
    yes: Annotated[bool, Option("--yes", "-y", help="Do not ask for confirmation.")] = False,
) -> Chosen:
    wanted = Wanted(pico, rid, name, event, kind, None, due_since, due_until, text)
    return Chosen(tuple(ids or ()), wanted, dry_run, yes)


Command = Callable[..., None]


def filtering(function: Command) -> Command:
    """Give a command the filter options; its first parameter is `Wanted`."""
    return with_options(function, _first(function), _list_options)


def choosing(function: Command) -> Command:
    """Give a command ids, the filter options, --dry-run and --yes; its first parameter is `Chosen`."""
    return with_options(function, _first(function), _change_options)


def _first(function: Command) -> str:
    return next(iter(inspect.signature(function).parameters))
