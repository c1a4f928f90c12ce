"""Where a command's picos are: in a local database or on a server.

A command that works on either takes a `Where`, and has the options `--db`, `--url` and `--token-file` for it.
It opens a `Reached`: an `Engine` or a `Remote`, which no command tells apart.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated

from picosched.cli.declared import Option, WrongUseError
from picosched.errors import KrlError, PicoschedError, words

if TYPE_CHECKING:
    from picosched.engine.reached import Reached, ReachedPico, ReachedRuleset
    from picosched.remote import Remote
    from picosched.schedule.scheduled import Scheduled
    from picosched.store.store import Store

DATABASE = "picosched.db"

SHOWN = 10
"""The most ids in the error for a name that several scheduled events have."""
MOST_NAMED = SHOWN + 1


@dataclass(frozen=True, slots=True)
class Where:
    """The values of the options. Defaults: the environment, then `picosched.db` in this folder."""

    db: str | None = None
    url: str | None = None
    token_file: Path | None = None

    @contextmanager
    def opened(self, *, readonly: bool = False, make: bool = False) -> Iterator[Reached]:
        """Open it like `opening.opened`; `readonly` and `make` are ignored for a server."""
        if self.server is not None:
            with self.remote() as remote:
                yield remote
            return
        from picosched.cli.opening import opened

        with ExitStack() as stack:
            try:
                engine = stack.enter_context(opened(self.database, readonly=readonly, make=make))
            except PicoschedError as error:
                if error.code != "conflict":
                    raise
                cure = "if that is `picosched serve`, use --url"
                raise PicoschedError(f"{error.message}; {cure}", "conflict") from error
            yield engine

    def remote(self, **options: float) -> Remote:
        """The server, to be closed. The options are those of `Remote`."""
        from picosched.remote import Remote

        assert self.server is not None
        return Remote(self.server, self._token(), **options)

    def back_up(self, file: Path, *, force: bool = False) -> int:
        """Copy the database, which may be in use, to a new file; its size in bytes."""
        from picosched.store.copying import back_up

        if self.server is not None:
            with self.remote() as remote:
                return remote.back_up(file, force=force)
        from picosched.store.opening import is_there

        if not is_there(self.database):
            raise PicoschedError(f"there is no database {self.database}", "not_found")
        return back_up(self.database, file, force=force)

    @contextmanager
    def copied(self) -> Iterator[Store]:
        """The store as it is, to be read: that of the database, or of a copy that the server gives."""
        from picosched.store.store import Store

        with ExitStack() as stack:
            address: str | Path = self.database
            if self.server is not None:
                address = Path(stack.enter_context(TemporaryDirectory())) / "picos.db"
                self.back_up(address)
            store = Store(address, readonly=True)
            stack.callback(store.close)
            yield store

    @property
    def server(self) -> str | None:
        """The URL of the server, or None for a database."""
        return self.url or (os.environ.get("PICOSCHED_URL") or None if self.db is None else None)

    @property
    def database(self) -> str:
        """The address of the database, if this is not a server."""
        return self.db or DATABASE

    @property
    def shown(self) -> str:
        from picosched.store.opening import shown

        return self.server or shown(self.database)

    def _token(self) -> str | None:
        if self.token_file is None:
            return os.environ.get("PICOSCHED_TOKEN") or None
        try:
            token = self.token_file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as cause:
            raise PicoschedError(f"cannot read the token in {self.token_file}: {words(cause)}") from cause
        if not token:
            raise PicoschedError(f"found an empty file {self.token_file}, wanted the server's token")
        return token


HERE = Where()

TokenFile = Annotated[
    Path | None,
    Option("--token-file", metavar="FILE", help="File with the server's token. Also PICOSCHED_TOKEN."),
]


def where_options(
    db: Annotated[
        str | None,
        Option("--db", metavar="FILE", help=f"The database that holds the picos. \\[default: {DATABASE}]"),
    ] = None,
    url: Annotated[
        str | None,
        Option("--url", metavar="URL", help="Use this server instead. Also PICOSCHED_URL."),
    ] = None,
    token_file: TokenFile = None,
) -> Where:
    """The options that make a `Where`."""
    if db is not None and url is not None:
        raise WrongUseError("picos are in a database or on a server: give --db or --url, not both")
    if token_file is not None and db is not None:
        raise WrongUseError("a database needs no token: --token-file requires --url")
    return Where(db, url, token_file)


def pico_of(engine: Reached, name: str | None) -> ReachedPico:
    """The pico with this name or id; the root if there is none."""
    return engine.root if name is None else engine.pico(name)


def warnings_of(engine: Reached, ruleset: ReachedRuleset) -> Sequence[KrlError]:
    """What `check` warns of in a ruleset that was just installed; the message begins with the code."""
    from picosched.krl.ruleset import Ruleset

    if not isinstance(ruleset, Ruleset):
        return [KrlError(f"{each.kind} {each.message}", each.span) for each in ruleset.warnings]
    from picosched.check import check
    from picosched.clock import SystemClock
    from picosched.engine.engine import Engine

    assert isinstance(engine, Engine)  # as the ruleset is not a server's
    source, settings, now = ruleset.source, engine.settings_with_windows(), SystemClock().now()
    found = check(source.text, source.name, settings.almanac, now, settings=settings)
    return [each.error for each in found if each.severity == "warning"]


def load_scheduled(engine: Reached, named: str) -> Scheduled:
    """The pending or paused event with this id, prefix of an id, or name; errors as for `scheduled_id`."""
    return engine.agenda.load(scheduled_id(engine, named, live=True))


def scheduled_id(engine: Reached, named: str, *, live: bool = False) -> str:
    """The id of the scheduled event with this id, prefix of an id, or name; with `live`, of one to come.

    A name means one to come, if one has it. `not_found` if there is none, `conflict`, with the ids, if there
    are several.
    """
    from picosched.schedule.filter import Filter

    ids = engine.agenda.ids_like(named, live=live) if named else []
    if named in ids:
        return named
    rows = engine.agenda.scheduled(Filter(name=named), MOST_NAMED) if named else []
    if not rows and not live and named:
        rows = engine.agenda.scheduled(Filter(name=named, status=()), MOST_NAMED)
    found = [*dict.fromkeys([*ids, *(row.id for row in rows)])]
    if not found:
        what = "pending event" if live else "scheduled event"
        raise PicoschedError(f"no {what} has the id or name {named or '(an empty one)'}", "not_found")
    if len(found) > 1:
        count = f"more than {SHOWN}" if len(found) > SHOWN else len(found)
        which = _told(engine, found[:SHOWN])
        raise PicoschedError(f"{named} may mean {count} scheduled events, wanted one of: {which}", "conflict")
    return found[0]


def _told(engine: Reached, ids: Sequence[str]) -> str:
    """Ids in short, each with what it is, for somebody who has to choose."""
    rows = [row for id in ids if (row := engine.agenda.find(id)) is not None]
    names, known = engine.agenda.names(rows), {row.id: row for row in rows}
    width = _telling(ids)
    return ", ".join(
        f"{id[:width]} ({known[id].event} of {names[known[id].pico_id]})" if id in known else id[:width]
        for id in ids
    )


def _telling(ids: Sequence[str]) -> int:
    """The least characters, 8 or more, by which ids differ."""
    return next(width for width in range(8, 65) if len({id[:width] for id in ids}) == len(ids))


def only_id(ids: Iterable[str], beginning: str, what: str) -> str:
    """The one id with this prefix; `not_found` if there is none, `conflict` if there are several."""
    found = [id for id in ids if id.startswith(beginning)] if beginning else []
    if beginning in found:
        return beginning
    if not found:
        raise PicoschedError(f"no {what} has the id {beginning or '(an empty one)'}", "not_found")
    if len(found) > 1:
        raise PicoschedError(f"{len(found)} ids begin with {beginning}: give more characters", "conflict")
    return found[0]
