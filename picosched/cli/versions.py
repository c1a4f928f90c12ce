"""Commands on the versions of rulesets: which a pico had, what differs, and the way back."""

from __future__ import annotations

from typing import Annotated

from picosched.cli.completing import complete_rid
from picosched.cli.declared import Argument, Commands, Option
from picosched.cli.opening import ruleset_at
from picosched.cli.options import Json, PicoName, command
from picosched.cli.printing import shown_time, write, write_json, write_table
from picosched.cli.where import HERE, Where, pico_of, warnings_of
from picosched.clock import EPOCH
from picosched.hashed import SHORT

app = Commands()
PANEL = "Picos"
CHANGES = 2

Rid = Annotated[str, Argument(metavar="RID", help="The ruleset's id.", autocompletion=complete_rid)]


@command(app, PANEL, "picosched versions tea_timer", "picosched versions tea_timer --diff 1f7f2a3c")
def versions(
    rid: Rid,
    where: Where = HERE,
    pico: PicoName = None,
    diff: Annotated[
        str | None,
        Option("--diff", metavar="HASH", help="Show what changed from this version to the installed one."),
    ] = None,
    json: Json = False,
) -> None:
    """List the texts of a ruleset that a pico had, newest first: the first is the one installed."""
    with where.opened(readonly=True) as engine:
        target = pico_of(engine, pico)
        if diff is not None:
            told = target.diff(rid, hash=diff)
            write_json({"rid": rid, "diff": told}) if json else write(
                told.removesuffix("\n") or "nothing differs"
            )
            return
        found = target.versions(rid)
    if json:
        for each in found:
            write_json(each.as_json())
        return
    write_table(
        ("HASH", "SINCE", "BY", "FROM"),
        [
            (each.hash[:SHORT], "–" if each.at == EPOCH else shown_time(each.at), each.by, each.origin or "–")
            for each in found
        ],
        folding=("BY", "FROM"),
    )


@command(app, PANEL, "picosched diff tea.krl", "picosched diff tea.krl --pico kitchen")
def diff(
    ruleset: Annotated[str, Argument(metavar="RULESET", help="A file, or a file: or http: URL.")],
    where: Where = HERE,
    pico: PicoName = None,
    json: Json = False,
) -> None:
    """Show what installing a ruleset would change in its text on a pico; exit with 2 if anything.

    `plan` shows what it would change in what happens.
    """
    from picosched.checked import ruleset_text
    from picosched.krl.ruleset import compile_ruleset

    with where.opened(readonly=True) as engine:
        text, origin = ruleset_text(ruleset_at(ruleset))
        rid = compile_ruleset(text, origin).rid
        told = pico_of(engine, pico).diff(rid, text)
    if json:
        write_json({"rid": rid, "diff": told})
    else:
        write(told.removesuffix("\n") or "nothing differs")
    if told:
        raise SystemExit(CHANGES)


@command(app, PANEL, "picosched go-back tea_timer", "picosched go-back tea_timer 1f7f2a3c", name="go-back")
def go_back(
    rid: Rid,
    hash: Annotated[
        str | None, Argument(metavar="HASH", help="Of a version, or its beginning. Default: the last before.")
    ] = None,
    where: Where = HERE,
    pico: PicoName = None,
    json: Json = False,
) -> None:
    """Install a version of a ruleset again, by default the last one before. Variables and schedules stay."""
    with where.opened() as engine:
        target = pico_of(engine, pico)
        ruleset = target.go_back(rid, hash)
        if json:
            write_json({"rid": rid, "pico": target.name, "hash": ruleset.hash})
        else:
            write(f"installed {rid} {ruleset.hash[:SHORT]} on {target.name} again")
        for warning in warnings_of(engine, ruleset):
            write(f"warning: {warning}", "yellow", stderr=True)
