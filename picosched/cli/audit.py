"""The command on the audit: who did what from outside."""

from __future__ import annotations

from typing import Annotated

from picosched.cli.completing import complete_token
from picosched.cli.declared import Commands, Option
from picosched.cli.options import Json, Limit, command
from picosched.cli.printing import shown_time, write, write_json, write_table
from picosched.cli.where import HERE, Where

app = Commands()
PANEL = "Server"


@command(
    app,
    PANEL,
    "picosched audit",
    "picosched audit --name anna --since 2026-03-01 --url http://127.0.0.1:8123",
    "picosched audit --what cancelled --json | jq .on",
)
def audit(
    where: Where = HERE,
    since: Annotated[
        str | None, Option("--since", metavar="TIME", help="Only what was done since this time.")
    ] = None,
    name: Annotated[
        str | None,
        Option(
            "--name",
            metavar="NAME",
            help="Only by this token, or user of the command line.",
            autocompletion=complete_token,
        ),
    ] = None,
    what: Annotated[
        str | None, Option("--what", metavar="WORD", help="Only this: paused, installed, revoked …")
    ] = None,
    kind: Annotated[
        str | None, Option("--kind", metavar="KIND", help="Only to a schedule, pico, ruleset, token …")
    ] = None,
    on: Annotated[
        str | None, Option("--on", metavar="ID", help="Only to the one with this id or name.")
    ] = None,
    limit: Limit = 100,
    json: Json = False,
) -> None:
    """Show who did what from outside: over HTTP, in the console, on the command line."""
    with where.opened(readonly=True) as engine:
        found = engine.audit(since, limit, name=name, what=what, kind=kind, on=on)
    if json:
        for each in found:
            write_json(each.as_json())
    elif not found:
        filtered = any(each is not None for each in (since, name, what, kind, on))
        write(f"nothing {'of that ' if filtered else ''}was done from outside")
    else:
        write_table(
            ("AT", "BY", "ROLE", "DID", "TO", "MORE"),
            [
                (
                    shown_time(each.at),
                    each.by,
                    each.role.value,
                    each.what,
                    each.to,
                    each.told or "–",
                )
                for each in found
            ],
            folding=("BY", "TO", "MORE"),
        )
