"""Commands on picos: install rulesets, raise events, run queries, list and create picos and channels."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

from picosched.cli.completing import complete_rid, complete_shared
from picosched.cli.declared import Argument, Commands, Option, WrongUseError
from picosched.cli.opening import ruleset_at
from picosched.cli.options import Eci, Json, PicoName, Words, command
from picosched.cli.printing import write, write_json, write_table
from picosched.cli.turns import show_turn, turn_json
from picosched.cli.where import HERE, Where, pico_of, warnings_of
from picosched.errors import PicoschedError

if TYPE_CHECKING:
    from picosched.engine.reached import ReachedPico
    from picosched.pico.channel import Channel

app = Commands()
PANEL = "Picos"


@command(
    app,
    PANEL,
    "picosched install rulesets/tea_timer.krl",
    'picosched install greeter.krl --pico kitchen --config \'{"greeting": "hi"}\'',
)
def install(
    rulesets: Annotated[list[str], Argument(metavar="RULESET…", help="Files, or file: and http: URLs.")],
    where: Where = HERE,
    pico: PicoName = None,
    config: Annotated[
        str | None,
        Option("--config", metavar="JSON", help="A map to configure the rulesets with."),
    ] = None,
    json: Json = False,
) -> None:
    """Install rulesets on a pico, or replace installed ones.

    A new text keeps the variables and schedules of the old one. A missing database is created. The warnings
    of `check` go to stderr.
    """
    from picosched.notation import parse_map

    settings = None if config is None else parse_map(config, "--config")
    with where.opened(make=True) as engine:
        target = pico_of(engine, pico)
        for each in rulesets:
            ruleset = target.install(ruleset_at(each), settings)
            if json:
                write_json({"rid": ruleset.rid, "pico": target.name, "hash": ruleset.hash, "origin": each})
            else:
                write(f"installed {ruleset.rid} on {target.name}")
            for warning in warnings_of(engine, ruleset):
                write(f"warning: {warning}", "yellow", stderr=True)


@command(app, PANEL, "picosched uninstall tea_timer")
def uninstall(
    rid: Annotated[str, Argument(metavar="RID", help="The ruleset's id.", autocompletion=complete_rid)],
    where: Where = HERE,
    pico: PicoName = None,
    json: Json = False,
) -> None:
    """Remove a ruleset and its variables from a pico, and cancel its schedules."""
    with where.opened() as engine:
        target = pico_of(engine, pico)
        target.uninstall(rid)
        if json:
            write_json({"rid": rid, "pico": target.name})
        else:
            write(f"uninstalled {rid} from {target.name}")


@command(
    app,
    PANEL,
    "picosched raise tea:started minutes=5",
    'picosched raise note:written --attrs \'{"text": "buy milk", "tags": ["home"]}\'',
    "picosched raise tea:started minutes=0 --explain",
    name="raise",
)
def raise_(
    event: Annotated[str, Argument(metavar="DOMAIN:TYPE", help="The event.")],
    words: Words = None,
    attrs: Annotated[str | None, Option("--attrs", metavar="JSON", help="More attributes, as a map.")] = None,
    where: Where = HERE,
    pico: PicoName = None,
    eci: Eci = None,
    explain: Annotated[
        bool, Option("--explain", help="Show why each rule that selected it fired or not.")
    ] = False,
    json: Json = False,
) -> None:
    """Raise an event, and print the resulting directives.

    With --eci the event goes through a channel and its policy, otherwise no policy applies. Errors of rules
    go to stderr; the effects of the other rules are kept.
    """
    from picosched.notation import parse_map, parse_named

    named = parse_named([event, *(words or [])])
    values = {**(parse_map(attrs, "--attrs") if attrs is not None else {}), **named.values}
    _one_target(pico, eci)
    with where.opened() as engine:
        if eci is not None:
            turn = engine.raise_event(eci, named.first, named.second, values)
        else:
            turn = pico_of(engine, pico).raise_event(named.first, named.second, values)
    if json:
        write_json(turn_json(turn, explain))
    else:
        show_turn(turn, explain)


def _one_target(pico: str | None, eci: str | None) -> None:
    if pico is not None and eci is not None:
        raise WrongUseError("a channel belongs to one pico: give --pico or --eci, not both")


@command(app, PANEL, "picosched query tea_timer:cups", "picosched query reminder:last_fire what=stretch")
def query(
    name: Annotated[
        str,
        Argument(
            metavar="RID:NAME", help="A ruleset and a function it shares.", autocompletion=complete_shared
        ),
    ],
    words: Words = None,
    args: Annotated[str | None, Option("--args", metavar="JSON", help="More arguments, as a map.")] = None,
    where: Where = HERE,
    pico: PicoName = None,
    eci: Eci = None,
    json: Annotated[bool, Option("--json", help="Print JSON, the default.")] = False,
) -> None:
    """Query a function or value that a ruleset shares, and print the result as JSON."""
    from picosched.notation import parse_map, parse_named

    named = parse_named([name, *(words or [])], "rid:name")
    values = {**(parse_map(args, "--args") if args is not None else {}), **named.values}
    _one_target(pico, eci)
    with where.opened(readonly=True) as engine:
        if eci is not None:
            write_json(engine.query(eci, named.first, named.second, values))
        else:
            write_json(pico_of(engine, pico).query(named.first, named.second, values))


@command(
    app,
    PANEL,
    "picosched picos",
    "picosched picos --new kitchen",
    "picosched picos --new shelf --parent kitchen",
)
def picos(
    where: Where = HERE,
    new: Annotated[str | None, Option("--new", metavar="NAME", help="Create a pico first.")] = None,
    parent: Annotated[
        str | None,
        Option("--parent", metavar="NAME", help="Parent of the new pico. Default: the root pico."),
    ] = None,
    delete: Annotated[
        str | None,
        Option("--delete", metavar="NAME", help="Delete a pico first, with its children and schedules."),
    ] = None,
    json: Json = False,
) -> None:
    """List picos and their rulesets; create or delete one."""
    if parent is not None and new is None:
        raise WrongUseError("--parent applies to a new pico: it requires --new NAME")
    if new is not None and not new.strip():
        raise WrongUseError("found an empty name for the new pico, wanted --new NAME")
    changing = new is not None or delete is not None
    with where.opened(readonly=not changing, make=new is not None) as engine:
        if delete is not None:
            engine.pico(delete).delete()
        if new is not None:
            engine.new_pico(new, pico_of(engine, parent).id, unique=True)
        listed = [_pico_json(each) for each in engine.picos()]
    if json:
        for each in listed:
            write_json(each)
        return
    write_table(
        ("NAME", "PARENT", "RULESETS", "ID"),
        [
            (each["name"], each["parent"] or "–", ", ".join(each["rulesets"]) or "–", each["id"])
            for each in listed
        ],
        folding=("NAME", "PARENT", "RULESETS"),
    )


def _pico_json(pico: ReachedPico) -> dict[str, Any]:
    parent = pico.parent
    return {
        "id": pico.id,
        "name": pico.name,
        "parent": None if parent is None else parent.name,
        "rulesets": [*pico.rulesets()],
    }


Patterns = list[str] | None


@command(
    app,
    PANEL,
    "picosched channels",
    "picosched channels --new --tag app --allow-events 'tea:*' --allow-queries 'tea_timer:*'",
)
def channels(
    where: Where = HERE,
    pico: PicoName = None,
    new: Annotated[bool, Option("--new", help="Create a channel first.")] = False,
    tag: Annotated[Patterns, Option("--tag", help="Tag of the new channel; repeatable.")] = None,
    allow_events: Annotated[
        Patterns, Option("--allow-events", metavar="DOMAIN:TYPE", help="* matches any. Default: all.")
    ] = None,
    allow_queries: Annotated[
        Patterns, Option("--allow-queries", metavar="RID:NAME", help="* matches any. Default: all.")
    ] = None,
    deny_events: Annotated[
        Patterns, Option("--deny-events", metavar="DOMAIN:TYPE", help="Overrides --allow-events.")
    ] = None,
    deny_queries: Annotated[
        Patterns, Option("--deny-queries", metavar="RID:NAME", help="Overrides --allow-queries.")
    ] = None,
    delete: Annotated[str | None, Option("--delete", metavar="ECI", help="Delete a channel first.")] = None,
    json: Json = False,
) -> None:
    """List the channels of a pico with their policies; create or delete one."""
    if not new and any((tag, allow_events, allow_queries, deny_events, deny_queries)):
        raise WrongUseError("tags and patterns apply to a new channel: they require --new")
    with where.opened(readonly=not (new or delete)) as engine:
        target = pico_of(engine, pico)
        if delete is not None and not target.delete_channel(delete):
            raise PicoschedError(f"the pico {target.name} has no channel {delete}", "not_found")
        if new:
            target.new_channel(
                tag or (),
                allow_events or ("*:*",),
                allow_queries or ("*:*",),
                deny_events or (),
                deny_queries or (),
            )
        listed = target.channels()
    if json:
        for each in listed:
            write_json(_channel_json(each, target.name))
        return
    write_table(
        ("ECI", "TAGS", "EVENTS", "QUERIES"),
        [(each.eci, ", ".join(each.tags) or "–", str(each.events), str(each.queries)) for each in listed],
        folding=("TAGS", "EVENTS", "QUERIES"),
    )


def _channel_json(channel: Channel, pico: str) -> dict[str, Any]:
    return {
        "eci": channel.eci,
        "pico": pico,
        "tags": channel.tags,
        "events": asdict(channel.events),
        "queries": asdict(channel.queries),
    }
