"""`picosched serve`: engine, scheduler and HTTP server in one process."""

from __future__ import annotations

from enum import StrEnum
from functools import partial
from importlib.util import find_spec
from ipaddress import ip_network
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from picosched.cli.catching_up import CatchUp, CatchUpOption, rehearsed
from picosched.cli.declared import Argument, Commands, Option, WrongUseError
from picosched.cli.opening import bring_settings, opened, ruleset_at
from picosched.cli.options import DB, Grace, OwnDb, command
from picosched.cli.printing import write
from picosched.ending import GRACE_SECONDS
from picosched.errors import PicoschedError

if TYPE_CHECKING:
    from picosched.engine.engine import Engine
    from picosched.settings import Settings
    from picosched.web.serving import Server

app = Commands()
PANEL = "Server"


LOOPBACK = ("http://localhost", "http://127.0.0.1", "http://[::1]")


class Form(StrEnum):
    """Log formats."""

    JSON = "json"
    COLOUR = "colour"
    PLAIN = "plain"


@command(
    app,
    PANEL,
    "picosched serve",
    "picosched serve rulesets/tea_timer.krl --open --reload",
    "picosched serve --host 0.0.0.0 --port 80 --log json --rate 50",
    "picosched serve --new-token",
)
def serve(
    rulesets: Annotated[
        list[str] | None,
        Argument(metavar="RULESET…", help="Files or URLs to install on the root pico.", show_default=False),
    ] = None,
    db: OwnDb = DB,
    host: Annotated[str, Option("--host", metavar="HOST", help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[
        int, Option("--port", metavar="PORT", min=0, max=65_535, help="0 for any free port.")
    ] = 8123,
    open_: Annotated[bool, Option("--open", help="Require no token; only on a loopback host.")] = False,
    new_token: Annotated[
        bool, Option("--new-token", help="Create a new token; the old one becomes invalid.")
    ] = False,
    reload: Annotated[bool, Option("--reload", help="Reinstall RULESET files when they change.")] = False,
    log: Annotated[
        Form | None,
        Option("--log", help="Log format. Default: colour on a terminal, otherwise plain."),
    ] = None,
    access_log: Annotated[bool, Option("--access-log/--no-access-log", help="Log every request.")] = True,
    rate: Annotated[
        float | None,
        Option("--rate", metavar="N", min=0.01, help="At most N requests per second from one address."),
    ] = None,
    refusals: Annotated[
        float | None,
        Option(
            "--refusals",
            metavar="N",
            min=0,
            help="Refusals per second allowed to one address before it gets 429; 0 for no limit. "
            "Default: 10.",
        ),
    ] = None,
    allow_host: Annotated[
        list[str] | None,
        Option("--allow-host", metavar="NAME", help="Another host name of the server; repeatable."),
    ] = None,
    allow_origin: Annotated[
        list[str] | None,
        Option(
            "--allow-origin",
            metavar="URL",
            help="An origin whose pages may use this server, such as http://localhost:3000; repeatable.",
        ),
    ] = None,
    catch_up: CatchUpOption = CatchUp.FIRE,
    grace: Grace = GRACE_SECONDS,
    proxy: Annotated[
        list[str] | None,
        Option(
            "--proxy", metavar="ADDRESS", help="A proxy whose X-Forwarded headers are trusted; repeatable."
        ),
    ] = None,
) -> None:
    """Serve picos over HTTP and raise due events, until you stop it (Ctrl-C).

    A missing database is created. The API token is created at the first start and shown once. Only one
    process can have a file at a time; a PostgreSQL database, as many as you like.
    """
    _check_installed()
    import sys

    from picosched.krl.source import read_source
    from picosched.web.access import is_loopback
    from picosched.web.logs import FORMS, set_up
    from picosched.web.origins import Origins
    from picosched.web.serving import REFUSALS, Plan, address_of, listen
    from picosched.web.serving import serve as serve_

    if open_ and not is_loopback(host):
        raise PicoschedError(f"found --open and the host {host}, wanted a loopback host such as 127.0.0.1")
    if open_ and new_token:
        raise WrongUseError("--open requires no token: leave out --new-token")
    Origins(allow_origin or ())  # fail before a database or token is created
    for each in proxy or ():
        _check_proxy(each)
    for ruleset in map(ruleset_at, rulesets or []):
        if isinstance(ruleset, Path):
            read_source(ruleset)  # fail before a database or token is created
    shown = log or (Form.COLOUR if sys.stderr.isatty() else Form.PLAIN)
    form = next(each for each in FORMS if each == shown)
    set_up(form)
    defaults = of_a_developer() if open_ else None
    with opened(db, make=True, defaults=defaults) as engine, listen(host, port) as listening:
        bring_settings(engine)
        hash = None if open_ else _token_hash(engine, new_token)
        plan = Plan(
            host=host,
            port=port,
            token_hash=hash,
            rulesets=[*map(ruleset_at, rulesets or [])],
            reload=reload,
            hosts=allow_host or (),
            origins=allow_origin or (),
            rate=rate,
            refusals=REFUSALS if refusals is None else refusals,
            proxies=proxy or (),
            grace=grace,
            access_log=form if access_log else None,
            console=True,
        )

        def ready(server: Server) -> None:
            write(f"{engine.store.name} is served at {address_of(listening)}; Ctrl-C stops")
            sys.stdout.flush()
            link = server.new_link(listening)
            if link is not None:
                write(f"log in, once and within ten minutes: {link}", stderr=True)

        ask = partial(rehearsed, json=False, held=True) if catch_up is CatchUp.REHEARSE else None
        serve_(engine, plan, listening, catch_up=ask, ready=ready)


def of_a_developer() -> Settings:
    """The defaults of a server that is open, which only this machine can reach: rulesets may install the
    developer's own files, and from servers on this machine."""
    from picosched.settings import Settings

    folders = {str(each) for each in (Path.cwd(), Path.home()) if each != each.parent}
    return Settings(install_from=(*sorted(folders), *LOOPBACK))


def _check_proxy(address: str) -> None:
    try:
        ip_network(address, strict=False)
    except ValueError as cause:
        if address != "*":
            raise WrongUseError(
                f"found --proxy {address}, wanted an address such as 10.0.0.1, a network or *"
            ) from cause


def _token_hash(engine: Engine, new: bool) -> str:
    """The hash of the token; a new token is printed, only this once."""
    from picosched.web.access import first_token, kept_hash
    from picosched.web.access import new_token as make_token

    kept = kept_hash(engine)
    if kept is not None and not new:
        return kept
    token = make_token(engine) if new else first_token(engine)
    if token is not None:
        write(f"the token, shown only now: {token}", stderr=True)
    hash = kept_hash(engine)
    assert hash is not None
    return hash


def _check_installed() -> None:
    """The server's packages are an extra."""
    for name in ("fastapi", "prometheus_client", "structlog", "uvicorn", "watchfiles"):
        if find_spec(name) is None:  # not imported, because the server imports some of them later or never
            raise PicoschedError(
                f"the server needs {name}: install it with pip install 'picosched[web]'", "not_found"
            )
