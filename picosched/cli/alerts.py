"""The command on alerts: whom the settings tell of what, and what became of it."""

from __future__ import annotations

from picosched.cli.declared import Commands
from picosched.cli.options import Json, command
from picosched.cli.printing import shown_time, write, write_json, write_table
from picosched.cli.where import HERE, Where

app = Commands()
PANEL = "Deliveries"


@command(app, PANEL, "picosched alerts", "picosched alerts --json | jq .last")
def alerts(where: Where = HERE, json: Json = False) -> None:
    """List the alerts of the settings: whom each tells of what, what it told last, and whether it arrived."""
    with where.opened(readonly=True) as engine:
        found = engine.alerts()
    if json:
        for each in found:
            write_json(each.as_json())
    elif not found:
        write("no alerts: the settings have no table [alert.NAME]")
    else:
        write_table(
            ("ALERT", "TO", "OF", "AFTER", "TOLD LAST", "IT WAS", "WHEN", "WHY", "WAITING", "DEAD"),
            [
                (
                    each.name,
                    each.to,
                    ", ".join(each.on),
                    str(each.after),
                    each.last.what or "–" if each.last else "–",
                    each.last.became if each.last else "–",
                    shown_time(each.last and each.last.at),
                    each.last.why or "–" if each.last else "–",
                    str(each.waiting),
                    str(each.dead),
                )
                for each in found
            ],
            folding=("TO", "OF", "TOLD LAST", "WHY"),
        )
