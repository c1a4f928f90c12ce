"""Shell completion of names and ids: of picos, schedules, rulesets, sources, alerts, windows and tokens.

They come from the database, which may be in use, or from the server. Completion must be fast: a file is read
without creating an engine, and a server has a moment to answer. On any error it offers nothing.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from picosched.cli.printing import shown_time
from picosched.cli.where import Where

if TYPE_CHECKING:
    from picosched.remote import Remote
    from picosched.schedule.window import MadeWindow
    from picosched.schedule.window_state import WindowState
    from picosched.store.port import Database
    from picosched.tokens import Token

MOST = 200
UNSAFE = re.compile(r"([^\w@%+=:,./-])")
PATIENCE_SECONDS = 2.0

Values = Mapping[str, Any]
"""The values of the options before the word, by name."""

Offers = list[tuple[str, str]]
"""Completions, each with a description."""


def complete_pico(values: Values, incomplete: str) -> Offers:
    """The names of picos with this prefix, each with its id."""

    def read(database: Database) -> Offers:
        from picosched.store.beginnings import picos_like

        return picos_like(database, incomplete, MOST)

    def ask(remote: Remote) -> Offers:
        named = ((each.name, each.id) for each in remote.picos() if each.name)
        return [each for each in named if each[0].startswith(incomplete)][:MOST]

    return _offered(values, read, ask)


def complete_rid(values: Values, incomplete: str) -> Offers:
    """The installed rulesets with this prefix; of a server, those of the pico of the line."""

    def read(database: Database) -> Offers:
        from picosched.store.beginnings import rids_like

        found = rids_like(database, incomplete, MOST)
        return [(rid, "on 1 pico" if picos == 1 else f"on {picos} picos") for rid, picos in found]

    def ask(remote: Remote) -> Offers:
        pico = values.get("pico")
        rids = (remote.root if pico is None else remote.pico(pico)).rulesets()
        return [(rid, "") for rid in sorted(rids) if rid.startswith(incomplete)][:MOST]

    return _offered(values, read, ask)


def complete_shared(values: Values, incomplete: str) -> Offers:
    """The installed rulesets with this prefix, as the beginning of RID:NAME."""
    return [(f"{rid}:", words) for rid, words in complete_rid(values, incomplete)]


def complete_id(values: Values, incomplete: str) -> Offers:
    """The names and ids of pending events with this prefix, each with its event and due time where known.

    A server is asked for ids alone, unless the prefix is empty.
    """

    def read(database: Database) -> Offers:
        from picosched.store.beginnings import coming_like, names_like

        named = [(_in_shell(name), event) for name, event in names_like(database, incomplete, MOST)]
        found = coming_like(database, incomplete, MOST)
        return [*named, *((id, f"{event} due {shown_time(due)}") for id, event, due in found)]

    def ask(remote: Remote) -> Offers:
        from picosched.schedule.filter import Filter

        if incomplete:
            return [(id, "") for id in remote.agenda.ids_like(incomplete, live=True)[:MOST]]
        found = remote.agenda.scheduled(Filter(), MOST)
        return [(row.id, f"{row.domain}:{row.type} due {shown_time(row.due)}") for row in found]

    return _offered(values, read, ask)


def complete_name(values: Values, incomplete: str) -> Offers:
    """The names of pending events with this prefix, each with its event; of a server, of the first."""

    def read(database: Database) -> Offers:
        from picosched.store.beginnings import names_like

        return [(_in_shell(name), event) for name, event in names_like(database, incomplete, MOST)]

    def ask(remote: Remote) -> Offers:
        from picosched.schedule.filter import Filter

        found = {row.name: row.event for row in remote.agenda.scheduled(Filter(), MOST) if row.name}
        return [(_in_shell(name), event) for name, event in found.items() if name.startswith(incomplete)]

    return _offered(values, read, ask)


def complete_source(values: Values, incomplete: str) -> Offers:
    """The names of sources with this prefix."""

    def read(database: Database) -> Offers:
        from picosched.store.sources import source_of

        return named(source_of(row).name for row in database.rows("sources"))

    def ask(remote: Remote) -> Offers:
        return named(each.name for each in remote.sources())

    def named(names: Iterable[str | None]) -> Offers:
        return [(_in_shell(name), "a source") for name in names if name and name.startswith(incomplete)][
            :MOST
        ]

    return _offered(values, read, ask)


def complete_why(values: Values, incomplete: str) -> Offers:
    """What `why` can be asked about: scheduled events, and sources."""
    return [*complete_id(values, incomplete), *complete_source(values, incomplete)]


def complete_token(values: Values, incomplete: str) -> Offers:
    """The names of tokens with this prefix, each with its role."""

    def read(database: Database) -> Offers:
        from picosched.store.tokens import to_token

        return named(map(to_token, database.rows("tokens")))

    def ask(remote: Remote) -> Offers:
        return named(remote.tokens())

    def named(found: Iterable[Token]) -> Offers:
        like = (each for each in found if each.name.startswith(incomplete))
        return [(_in_shell(each.name), each.role.value) for each in like][:MOST]

    return _offered(values, read, ask)


def complete_alert(values: Values, incomplete: str) -> Offers:
    """The names of alerts that were made with this prefix, each with whom it tells."""

    def read(database: Database) -> Offers:
        from picosched.schedule.alert import shown_to
        from picosched.store.made import to_alert

        return named((each.name, shown_to(each.to)) for each in map(to_alert, database.rows("alerts")))

    def ask(remote: Remote) -> Offers:
        return named((each.name, each.to) for each in remote.alerts())

    def named(found: Iterable[tuple[str, str]]) -> Offers:
        return [(_in_shell(name), to) for name, to in found if name.startswith(incomplete)][:MOST]

    return _offered(values, read, ask)


def complete_window(values: Values, incomplete: str) -> Offers:
    """The names of windows that were made with this prefix, each with its timespecs."""

    def read(database: Database) -> Offers:
        from picosched.store.made import to_window

        return named(map(to_window, database.rows("made_windows")))

    def ask(remote: Remote) -> Offers:
        return named(each for each in remote.windows() if not each.configured)

    def named(found: Iterable[MadeWindow | WindowState]) -> Offers:
        like = (each for each in found if each.name.startswith(incomplete))
        return [(_in_shell(each.name), f"{each.opens} to {each.closes}") for each in like][:MOST]

    return _offered(values, read, ask)


def complete_happening(values: Values, incomplete: str) -> Offers:
    """What alerts can be told of."""
    from picosched.schedule.happenings import TYPES

    return [(each, "") for each in TYPES if each.startswith(incomplete)]


def complete_role(values: Values, incomplete: str) -> Offers:
    """The roles of tokens."""
    from picosched.acting import Role

    return [(role.value, "") for role in Role if role.startswith(incomplete)]


def _in_shell(name: str) -> str:
    """A name as bash takes it from a completion, with its spaces and signs escaped; other shells escape it
    themselves.
    """
    return UNSAFE.sub(r"\\\1", name) if "COMP_WORDS" in os.environ else name


def _offered(values: Values, read: Callable[[Database], Offers], ask: Callable[[Remote], Offers]) -> Offers:
    try:
        where = Where(*map(values.get, ("db", "url", "token_file")))
        if where.server is not None:
            with where.remote(patience=PATIENCE_SECONDS) as remote:
                return ask(remote)
        from picosched.store.opening import is_there, open_database

        if not is_there(where.database):
            return []

        database = open_database(where.database, readonly=True)
        try:
            return read(database)
        finally:
            database.close()
    except Exception:  # completion must never print an error
        return []
