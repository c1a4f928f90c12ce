"""`plan`: what would change if rulesets were deployed now."""

from __future__ import annotations

from typing import Annotated

from picosched.cli.declared import Argument, Commands, Option, WrongUseError
from picosched.cli.opening import ruleset_at
from picosched.cli.options import Json, command
from picosched.cli.printing import write, write_json
from picosched.cli.where import HERE, Where

app = Commands()
PANEL = "Rulesets and times"


@command(
    app,
    PANEL,
    "picosched plan tea_timer.krl",
    "picosched plan rulesets/*.krl --db home.db --days 7 --json",
    "picosched plan tea_timer.krl --url http://127.0.0.1:8123 --markdown > comment.md",
    "picosched plan tea_timer.krl --assert 'no more than 5 fires/min'",
    wrong_use=1,
)
def plan(
    files: Annotated[list[str], Argument(metavar="FILE…", help="Rulesets as they would be deployed.")],
    where: Where = HERE,
    days: Annotated[int, Option("--days", help="How many days ahead, at most 366.")] = 30,
    pico: Annotated[
        str | None,
        Option(
            "--pico",
            metavar="NAME",
            help="The pico that gets them. Default: each that has them, or else the root.",
        ),
    ] = None,
    asserted: Annotated[
        list[str] | None,
        Option("--assert", metavar="TEXT", help="What must hold, as 'no more than 5 fires/min'; repeatable."),
    ] = None,
    most: Annotated[
        int, Option("--most", metavar="N", help="End after so many events, at most 1,000,000.")
    ] = 20_000,
    markdown: Annotated[
        bool, Option("--markdown", help="Print Markdown, for a comment in a code review.")
    ] = False,
    json: Json = False,
) -> None:
    """Say what would change if these rulesets were deployed now.

    Two copies of the database are rehearsed on virtual time, one with the installed rulesets and one with
    the new ones: which rules fire and which do not and why, directives, requests, state, schedules, pico by
    pico. Nothing is sent outside, and nothing is changed. What cannot influence the answer is left out.

    The exit status is 0 if nothing changes, 2 if something does, and 1 for a fault: an error in a ruleset,
    something asserted that does not hold, or wrong use.
    """
    if markdown and json:
        raise WrongUseError("give --markdown or --json, not both")
    with where.opened(readonly=True) as engine:
        found = engine.plan([*map(ruleset_at, files)], days, pico, asserted=asserted or (), most=most)
    if json:
        write_json(found.as_json())
    else:
        for line in found.markdown() if markdown else found.lines():
            write(line)
    if found.status:
        raise SystemExit(found.status)
