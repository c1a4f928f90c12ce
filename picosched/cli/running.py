"""Commands on turns: run the scheduler, and show the journal."""

from __future__ import annotations

import sys
import threading
from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from typing import TYPE_CHECKING, Annotated, Any

from picosched.cli.catching_up import CatchUp, CatchUpOption, rehearsed
from picosched.cli.declared import Commands, Option, WrongUseError
from picosched.cli.opening import bring_settings, opened
from picosched.cli.options import AnyPico, Db, Grace, Json, Limit, command, database_here
from picosched.cli.printing import json_time, shown_time, write, write_json
from picosched.cli.where import HERE, Where, pico_of
from picosched.clock import format_time
from picosched.ending import GRACE_SECONDS, ending
from picosched.errors import EXIT_STATUS
from picosched.hashed import SHORT

if TYPE_CHECKING:
    from picosched.engine.engine import Engine
    from picosched.schedule.fire import Fire
    from picosched.store.journal import Entry

app = Commands()
PANEL = "Schedules"
LOOK_SECONDS = 0.5
"""How often new turns are printed. The scheduler does not wait for this."""
ALL = 1_000_000_000
MOST_STATUS = 255


@command(
    app,
    PANEL,
    "picosched run",
    "picosched run --once --json",
    "picosched run --catch-up rehearse",
    "PICOSCHED_GRANULARITY=1 picosched run",
)
def run(
    db: Db = None,
    once: Annotated[bool, Option("--once", help="Raise the events due now, and exit.")] = False,
    catch_up: CatchUpOption = CatchUp.FIRE,
    exit_on: Annotated[
        str | None,
        Option("--exit-on", metavar="DOMAIN:TYPE", help="Exit once this event was handled, by any pico."),
    ] = None,
    grace: Grace = GRACE_SECONDS,
    json: Json = False,
) -> None:
    """Raise scheduled events when they are due, until you stop it (Ctrl-C), and print each turn.

    With --exit-on an event ends it as well. The exit status is its attribute `exit`, 0 if it has none.
    """
    file = db or database_here()
    ended = None if exit_on is None else _ExitOn(exit_on)
    with opened(file) as engine:
        if catch_up is CatchUp.REHEARSE and not rehearsed(engine, json):
            return
        bring_settings(engine)
        told = _Told(engine, json)
        stopped = threading.Event()
        if ended is not None:
            ended.watch(engine, stopped)
        if once:
            engine.run_due()
            told.tell()
        else:
            _run(engine, told, stopped, grace, json)
    if ended is not None and ended.status:
        raise SystemExit(ended.status)


def _run(engine: Engine, told: _Told, stopped: threading.Event, grace: float, json: bool) -> None:
    """Raise what is due until a signal or an event stops it."""
    from picosched.outside.processes import kill_all

    with ending(grace, lambda *_: stopped.set(), kill_all):
        due = engine.next_due()
        if not json:
            what = "nothing is scheduled" if due is None else f"the next event is due {format_time(due)}"
            write(f"{engine.store.name}: {what}; Ctrl-C stops")
            sys.stdout.flush()
        engine.start()
        while not stopped.wait(LOOK_SECONDS):
            told.tell()
        engine.stop(grace / 2)
        told.tell()


class _ExitOn:
    """The event that ends the command, and the exit status that it has."""

    def __init__(self, event: str) -> None:
        self._domain, _, self._type = event.partition(":")
        if not self._domain or not self._type:
            raise WrongUseError(f'--exit-on: found "{event}", wanted an event such as done:now')
        self.status = 0
        self._ended = False

    def watch(self, engine: Engine, stopped: threading.Event) -> None:
        """Set `stopped` at the first such event, with its status."""

        def end(attrs: Mapping[str, Any]) -> None:
            if not self._ended:
                self._ended, self.status = True, _exit_status(attrs.get("exit"))
                stopped.set()

        engine.on_event(self._domain, self._type, end)


def _exit_status(given: Any) -> int:
    """The exit status that an attribute has, also as a text; that of invalid input if it is none."""
    text = "0" if given is None else str(given)
    if text.isdecimal() and int(text) <= MOST_STATUS:
        return int(text)
    write(f"error: found {given!r} as exit, wanted a whole number from 0 to {MOST_STATUS}", stderr=True)
    return EXIT_STATUS["invalid"]


class _Told:
    """Prints new journal entries, and failures that have no turn of their own."""

    def __init__(self, engine: Engine, json: bool) -> None:
        self._engine = engine
        self._json = json
        self._last = max((entry.seq for entry in engine.journal(limit=1)), default=0)
        self._fire = engine.read(engine.store.pages.last_fire)

    def tell(self) -> None:
        entries = self._engine.journal(limit=ALL, after=self._last)
        names = {each.id: each.name for each in self._engine.picos()} if entries else {}
        for entry in reversed(entries):
            self._last = entry.seq
            _tell(entry, names, self._json)
        pages = self._engine.store.pages
        for place, fire in self._engine.read(partial(pages.fires_since, self._fire, ALL)):
            self._fire = place
            if fire.outcome.value == "failed" and fire.eid is None:
                self._tell_failed(fire)
        sys.stdout.flush()  # the reader of a pipe wants it now

    def _tell_failed(self, fire: Fire) -> None:
        from picosched.cli.rows import fire_json

        names, labels = self._engine.agenda.names([fire]), self._engine.agenda.labels([fire])
        if self._json:
            write_json(fire_json(fire, names, labels))
            return
        cause = f"scheduled {fire.id[:SHORT]}, due {format_time(fire.nominal)}"
        where = (
            names[fire.pico_id] or labels[fire.id].name or "a source"
        )  # which goes to several picos, or none
        write(f"{format_time(fire.fired)}  {where}, {cause}")
        write(f"    failed: {fire.why}")


@command(
    app,
    PANEL,
    "picosched journal -n 5",
    "picosched journal --pico kitchen --json | jq .handled",
    "picosched journal --follow --url http://127.0.0.1:8123",
)
def journal(
    where: Where = HERE,
    pico: AnyPico = None,
    eid: Annotated[str | None, Option("--eid", metavar="EID", help="Only the turn of this event.")] = None,
    limit: Limit = 20,
    follow: Annotated[bool, Option("--follow", "-f", help="Keep printing new turns; Ctrl-C stops.")] = False,
    json: Json = False,
) -> None:
    """Show the latest turns, oldest first: each event, its cause, and why each rule fired or not.

    With --follow it keeps printing new turns until you stop it or the reader closes the pipe.
    """
    if follow and eid is not None:
        raise WrongUseError("an event has one turn: give --eid or --follow, not both")
    with where.opened(readonly=True) as engine:
        pico_id = None if pico is None else pico_of(engine, pico).id
        entries = engine.journal(pico_id, limit, eid=eid)
        names = engine.agenda.names(entries)
        if not follow:
            for entry in reversed(entries):
                _tell(entry, names, json)
        else:
            from picosched.cli.following import follow_turns, until_stopped

            with until_stopped():
                for entry in follow_turns(engine, entries[::-1], pico_id):
                    _tell(entry, engine.agenda.names([entry]), json)
    if not entries and not json and not follow:
        write("nothing has happened yet")


def _tell(entry: Entry, names: Mapping[str, str], json: bool) -> None:
    if json:
        write_json(_entry_json(entry, names))
    else:
        _show_entry(entry, names)


def _entry_json(entry: Entry, names: Mapping[str, str]) -> dict[str, Any]:
    shown = asdict(entry)
    shown["pico"] = names.get(shown.pop("pico_id"), entry.pico_id)
    shown["at"] = format_time(entry.at)
    shown["nominal"] = json_time(entry.nominal)
    return shown


def _show_entry(entry: Entry, names: Mapping[str, str]) -> None:
    from picosched.cli.explain import directive_text, show_handled
    from picosched.krl.text import tree_text

    if entry.scheduled is not None:
        cause = f"scheduled {entry.scheduled[:SHORT]}, due {shown_time(entry.nominal)}"
    else:
        cause = "raised" if entry.eci is None else f"raised through {entry.eci}"
    write(f"{format_time(entry.at)}  {names.get(entry.pico_id, entry.pico_id)}, {cause}")
    show_handled(entry.handled)
    for each in entry.directives:
        write(f"    {directive_text(each['name'], each['options'])}")
    for each in entry.log:
        write(f"    {each['level']}: {tree_text(each['value'])}")
    for error in entry.errors:
        write(f"    error: {error}")
