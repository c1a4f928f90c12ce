"""Commands on alerts: who is told of what, and what became of it; those made while a server runs."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from picosched.cli.completing import complete_alert, complete_happening
from picosched.cli.declared import Argument, Commands, Option, WrongUseError
from picosched.cli.options import Json, command
from picosched.cli.printing import shown_time, write, write_json, write_table
from picosched.cli.where import HERE, Where
from picosched.errors import PicoschedError, words

if TYPE_CHECKING:
    from picosched.schedule.alert import AlertState

app = Commands()
PANEL = "Alerts and windows"

Name = Annotated[str, Argument(metavar="NAME", help="The alert's name.", autocompletion=complete_alert)]
On = Annotated[
    list[str] | None,
    Option(
        "--on",
        metavar="TYPE",
        help="missed, late, throttled, failed or recovered; several times for several. "
        "Default: failed and missed; of a change, as it is.",
        autocompletion=complete_happening,
    ),
]
SecretFile = Annotated[
    Path | None,
    Option(
        "--secret-file",
        metavar="FILE",
        help="A file with the secret that signs requests; in a change an empty one ends that.",
    ),
]


@command(app, PANEL, "picosched alerts", "picosched alerts --json | jq .last")
def alerts(where: Where = HERE, json: Json = False) -> None:
    """List the alerts: whom each tells of what, what it told last, and whether it arrived."""
    with where.opened(readonly=True) as engine:
        found = engine.alerts()
    if json:
        for each in found:
            write_json(each.as_json())
    elif not found:
        write("there are no alerts; `picosched add-alert` makes one, or a table [alert.NAME]")
    else:
        write_table(
            (
                "ALERT",
                "TO",
                "OF",
                "AFTER",
                "TOLD LAST",
                "IT WAS",
                "WHEN",
                "WHY",
                "WAITING",
                "DEAD",
                "MADE BY",
            ),
            [
                (
                    each.name,
                    each.to,
                    ", ".join(each.on),
                    str(each.after),
                    each.last.what or "–" if each.last else "–",
                    each.last.became if each.last else "–",
                    shown_time(each.last and each.last.at),
                    each.fault or (each.last and each.last.why) or "–",
                    str(each.waiting),
                    str(each.dead),
                    each.made_by or "the settings",
                )
                for each in found
            ],
            folding=("TO", "OF", "TOLD LAST", "WHY", "MADE BY"),
        )


@command(
    app,
    PANEL,
    "picosched add-alert ops https://ops.example.org/hook --after 3 --secret-file secret.txt",
    "picosched add-alert me mailto:me@example.org --on failed --on late",
    name="add-alert",
)
def add_alert(
    name: Annotated[str, Argument(metavar="NAME", help="What to call it.")],
    to: Annotated[
        str,
        Argument(
            metavar="TO",
            help="Whom to tell: an https: or http: URL, mailto: and an address, or eci: and a channel; - to "
            "read it from the standard input, as a URL may have a password.",
        ),
    ],
    on: On = None,
    after: Annotated[
        int, Option("--after", min=1, help="Tell of a failure when so many in a row have failed.")
    ] = 1,
    secret_file: SecretFile = None,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Make an alert, which tells people or programs what happens to schedules and sources.

    It holds from now on, on every machine of the database, beside those in picosched.toml.
    """
    from picosched.schedule.alert import TOLD

    secret = _secret(secret_file) or ""
    if secret_file is not None and not secret:
        raise PicoschedError(f"found no secret in {secret_file}, wanted one")
    with where.opened() as engine:
        made = engine.add_alert(name, _to(to), on=on or TOLD, after=after, secret=secret)
    _tell("added", made, json)


@command(
    app,
    PANEL,
    "picosched change-alert ops --on failed",
    "picosched change-alert ops --to -",
    name="change-alert",
)
def change_alert(
    name: Name,
    to: Annotated[
        str | None, Option("--to", metavar="TO", help="Whom to tell; - for the standard input.")
    ] = None,
    on: On = None,
    after: Annotated[
        int | None, Option("--after", min=1, help="Tell of a failure when so many in a row have failed.")
    ] = None,
    secret_file: SecretFile = None,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Change an alert that was made by add-alert, over HTTP or in the console. What is not given stays."""
    if (to, on, after, secret_file) == (None, None, None, None):
        raise WrongUseError("found nothing to change, wanted --to, --on, --after or --secret-file")
    with where.opened() as engine:
        changed = engine.change_alert(
            name, to=None if to is None else _to(to), on=on, after=after, secret=_secret(secret_file)
        )
    _tell("changed", changed, json)


@command(app, PANEL, "picosched remove-alert ops", name="remove-alert")
def remove_alert(name: Name, where: Where = HERE, json: Json = False) -> None:
    """Remove an alert that was made. What is on its way is still delivered."""
    with where.opened() as engine:
        if not engine.remove_alert(name):
            raise PicoschedError(f"there is no alert {name}", "not_found")
    if json:
        write_json({"name": name, "outcome": "removed"})
    else:
        write(f"removed: {name}")


@command(app, PANEL, "picosched test-alert ops --url http://127.0.0.1:8123", name="test-alert")
def test_alert(name: Name, where: Where = HERE, json: Json = False) -> None:
    """Let an alert tell of a happening "test"; `alerts` shows whether that arrived.

    A running engine sends it; otherwise `run` does.
    """
    with where.opened() as engine:
        engine.test_alert(name)
    if json:
        write_json({"name": name, "outcome": "tested"})
    else:
        once = ", once an engine runs" if where.server is None else ""
        write(f"on its way from {name}{once}; `picosched alerts` shows what became of it")


def _tell(done: str, state: AlertState, json: bool) -> None:
    from picosched.schedule.alert import said

    if json:
        write_json({**state.as_json(), "outcome": done})
    else:
        write(f"{done}: {state.name} {said(state)}")
    if state.fault is not None:
        write(f"warning: nothing that {state.name} tells arrives: {state.fault}", "yellow", stderr=True)


def _to(given: str) -> str:
    return sys.stdin.readline().strip() if given == "-" else given


def _secret(file: Path | None) -> str | None:
    if file is None:
        return None
    try:
        return file.read_text(encoding="utf-8").strip()
    except (OSError, ValueError) as cause:
        raise PicoschedError(f"cannot read the secret in {file}: {words(cause)}") from cause
