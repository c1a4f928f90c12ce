"""Commands on windows that all rulesets see: which are open, and making them while a server runs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from picosched.cli.completing import complete_window
from picosched.cli.declared import Argument, Commands, Option, WrongUseError
from picosched.cli.options import Json, command
from picosched.cli.printing import shown_time, write, write_json, write_table
from picosched.cli.where import HERE, Where
from picosched.errors import PicoschedError

if TYPE_CHECKING:
    from picosched.schedule.window_state import WindowState

app = Commands()
PANEL = "Alerts and windows"

Name = Annotated[str, Argument(metavar="NAME", help="The window's name.", autocompletion=complete_window)]


@command(app, PANEL, "picosched windows", "picosched windows --json | jq .open")
def windows(where: Where = HERE, json: Json = False) -> None:
    """List the windows that all rulesets see: which are open, their next edges, and how much depends on each.

    Those that rulesets declare are not among them.
    """
    with where.opened(readonly=True) as engine:
        found = engine.windows()
    if json:
        for each in found:
            write_json(each.as_json())
    elif not found:
        write("there are no windows; `picosched add-window` makes one, or a table [window.NAME]")
    else:
        write_table(
            ("WINDOW", "FROM", "TO", "ZONE", "NOW", "NEXT OPENING", "NEXT CLOSING", "USED BY", "MADE BY"),
            [
                (
                    each.name,
                    each.opens,
                    each.closes,
                    each.tz,
                    each.fault or ("open" if each.open else "closed"),
                    shown_time(each.next_opening),
                    shown_time(each.next_closing),
                    each.uses.words,
                    each.made_by or "the settings",
                )
                for each in found
            ],
            folding=("FROM", "TO", "NOW", "USED BY", "MADE BY"),
        )


@command(
    app,
    PANEL,
    "picosched add-window day '0 8 * * 1-5' '0 18 * * 1-5' --tz Europe/Berlin",
    "picosched add-window night 'every day at 22:00' 'every day at 6:00'",
    name="add-window",
)
def add_window(
    name: Annotated[str, Argument(metavar="NAME", help="What to call it.")],
    opens: Annotated[str, Argument(metavar="FROM", help="The timespec at which it opens.")],
    closes: Annotated[str, Argument(metavar="TO", help="The timespec at which it closes.")],
    tz: Annotated[str, Option("--tz", metavar="ZONE", help="Their time zone.")] = "UTC",
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Make a window: a named span of time that rules can ask about, and that schedules can be tied to.

    It holds from now on, on every machine of the database, beside those in picosched.toml.
    """
    with where.opened() as engine:
        made = engine.add_window(name, opens, closes, tz=tz)
    _tell("added", made, json)


@command(app, PANEL, "picosched change-window day --to '0 20 * * 1-5'", name="change-window")
def change_window(
    name: Name,
    opens: Annotated[
        str | None, Option("--from", metavar="TIMESPEC", help="The timespec at which it opens.")
    ] = None,
    closes: Annotated[
        str | None, Option("--to", metavar="TIMESPEC", help="The timespec at which it closes.")
    ] = None,
    tz: Annotated[str | None, Option("--tz", metavar="ZONE", help="Their time zone.")] = None,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Change a window that was made by add-window, over HTTP or in the console. What is not given stays.

    The change raises no event itself; rules hear of the next opening or closing.
    """
    if (opens, closes, tz) == (None, None, None):
        raise WrongUseError("found nothing to change, wanted --from, --to or --tz")
    with where.opened() as engine:
        changed = engine.change_window(name, opens=opens, closes=closes, tz=tz)
    _tell("changed", changed, json)


@command(app, PANEL, "picosched remove-window day", name="remove-window")
def remove_window(
    name: Name,
    force: Annotated[
        bool,
        Option(
            "--force", help="Also if schedules, sources or rulesets depend on it; these fail from then on."
        ),
    ] = False,
    where: Where = HERE,
    json: Json = False,
) -> None:
    """Remove a window that was made."""
    with where.opened() as engine:
        if not engine.remove_window(name, force=force):
            from picosched.krl.library.window import no_window  # late, as it is rarely wanted

            names = [each.name for each in engine.windows() if not each.configured]
            raise PicoschedError(no_window(name, names), "not_found")
    if json:
        write_json({"name": name, "outcome": "removed"})
    else:
        write(f"removed: {name}")


def _tell(done: str, state: WindowState, json: bool) -> None:
    if json:
        write_json({**state.as_json(), "outcome": done})
    else:
        write(f"{done}: {state.name} from {state.opens} to {state.closes}, {state.tz}")
