"""Commands on deliveries: events on their way to other engines."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

from picosched.cli.declared import Argument, Commands, Option
from picosched.cli.options import Json, command
from picosched.cli.printing import shown_time, write, write_json, write_table
from picosched.cli.where import HERE, Where, only_id
from picosched.errors import PicoschedError
from picosched.hashed import SHORT

if TYPE_CHECKING:
    from picosched.engine.reached import Reached
    from picosched.pico.delivery import Delivery

app = Commands()
PANEL = "Deliveries"
MOST = 1_000

Which = Annotated[str, Argument(metavar="ID", help="A delivery's id, or a prefix of it.")]


@command(app, PANEL, "picosched deliveries", "picosched deliveries --dead --json | jq .error")
def deliveries(
    where: Where = HERE,
    dead: Annotated[bool, Option("--dead", help="List dead letters instead of pending deliveries.")] = False,
    json: Json = False,
) -> None:
    """List events on their way to other engines: where to, tries so far, the last error."""
    with where.opened(readonly=True) as engine:
        found = engine.deliveries(dead=dead, limit=MOST)
    if json:
        for each in found:
            write_json(each.as_json())
    elif not found:
        write("there are no dead letters" if dead else "there are no pending deliveries")
    else:
        write_table(
            ("ID", "TO", "FROM", "DEAD" if dead else "DUE", "TRIES", "ERROR"),
            [
                (
                    each.id[:SHORT],
                    each.shown_url,
                    each.sender,
                    shown_time(each.dead if dead else each.due),
                    str(each.tries),
                    each.error or "–",
                )
                for each in found
            ],
            folding=("FROM", "ERROR"),
        )


@command(app, PANEL, "picosched retry-delivery 3f2a", name="retry-delivery")
def retry_delivery(which: Which, where: Where = HERE, json: Json = False) -> None:
    """Try a delivery now, also one that was given up. A running engine sends it; otherwise `run` does."""
    with where.opened() as engine:
        delivery = _found(engine, which)
        engine.retry_delivery(delivery.id)
    _tell("due now", delivery, json)


@command(app, PANEL, "picosched drop-delivery 3f2a", name="drop-delivery")
def drop_delivery(which: Which, where: Where = HERE, json: Json = False) -> None:
    """Drop a delivery: it is not sent any more."""
    with where.opened() as engine:
        delivery = _found(engine, which)
        engine.drop_delivery(delivery.id)
    _tell("dropped", delivery, json)


def _tell(done: str, delivery: Delivery, json: bool) -> None:
    if json:
        write_json({"id": delivery.id, "url": delivery.shown_url, "outcome": done})
    else:
        write(f"{done}: {delivery.shown_url} ({delivery.id[:SHORT]})")


def _found(engine: Reached, which: str) -> Delivery:
    """The delivery with this id, or with this prefix of an id among the first of either kind."""
    try:
        return engine.delivery(which)
    except PicoschedError as error:
        if error.code != "not_found":
            raise
    found = {each.id: each for dead in (False, True) for each in engine.deliveries(dead=dead, limit=MOST)}
    return found[only_id(found, which, "delivery")]
