"""Commands on named tokens: who may use a server, in which role, and until when."""

from __future__ import annotations

from typing import Annotated

from picosched.cli.completing import complete_role, complete_token
from picosched.cli.declared import Argument, Commands, Option
from picosched.cli.options import Json, command
from picosched.cli.printing import shown_time, write, write_json, write_table
from picosched.cli.where import HERE, Where
from picosched.clock import SystemClock
from picosched.errors import PicoschedError

app = Commands()
PANEL = "Server"

Name = Annotated[
    str,
    Argument(
        metavar="NAME", help="The token's name: who has it, or what for.", autocompletion=complete_token
    ),
]


@command(app, PANEL, "picosched tokens", "picosched tokens --url http://127.0.0.1:8123 --json")
def tokens(where: Where = HERE, json: Json = False) -> None:
    """List the named tokens of a database, with their roles; the tokens themselves are not kept."""
    with where.opened(readonly=True) as engine:
        found = engine.tokens()
    now = SystemClock().now()
    if json:
        for each in found:
            write_json(each.as_json(now))
    elif not found:
        write("there are no named tokens")
    else:
        write_table(
            ("NAME", "ROLE", "STATE", "EXPIRES", "MADE", "BY"),
            [
                (
                    each.name,
                    each.role.value,
                    each.state(now),
                    shown_time(each.expires),
                    shown_time(each.made),
                    each.made_by,
                )
                for each in found
            ],
            folding=("BY",),
        )


@command(
    app,
    PANEL,
    "picosched make-token anna --role operate --expires 30d",
    "picosched make-token calendar --role read --url http://127.0.0.1:8123",
    name="make-token",
)
def make_token(
    name: Name,
    role: Annotated[
        str, Option("--role", metavar="ROLE", help="read, operate or author.", autocompletion=complete_role)
    ] = "read",
    expires: Annotated[
        str | None,
        Option(
            "--expires", metavar="TIME", help="A time, or a duration from now such as 30d. Default: never."
        ),
    ] = None,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Make a token and print it, only this once.

    `read` looks, `operate` also raises events and steers schedules and deliveries, `author`
    also installs rulesets and makes picos, channels, sources, alerts and tokens.
    """
    from picosched.notation import time_or_later

    until = None if expires is None else time_or_later(expires, SystemClock().now())
    with where.opened() as engine:
        token, made = engine.make_token(name, role, until)
    if json:
        write_json({**made.as_json(made.made), "token": token})
    else:
        end = "" if made.expires is None else f", until {shown_time(made.expires)}"
        write(f"{made.name} may {made.role.value}{end}; the token, shown only now: {token}")


@command(app, PANEL, "picosched revoke-token anna", name="revoke-token")
def revoke_token(name: Name, where: Where = HERE, json: Json = False) -> None:
    """Revoke a token: it is not valid any more, and what it opened ends."""
    with where.opened() as engine:
        if not engine.revoke_token(name):
            raise PicoschedError(f"there is no token {name}", "not_found")
    if json:
        write_json({"name": name, "outcome": "revoked"})
    else:
        write(f"revoked: {name}")
