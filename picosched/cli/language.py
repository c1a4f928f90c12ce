"""Commands on text only: `check` a ruleset, `eval` an expression, show when a timespec fires `next`."""

from __future__ import annotations

import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from picosched.cli.declared import Argument, Commands, Option, WrongUseError
from picosched.cli.options import Json, command
from picosched.cli.printing import rendered, show_error, write, write_json, write_rendered, write_table
from picosched.cli.where import TokenFile, Where, where_options
from picosched.clock import SystemClock, format_time, parse_time
from picosched.errors import EXIT_STATUS, KrlError, PicoschedError

if TYPE_CHECKING:
    from datetime import datetime

    from picosched.check import Finding
    from picosched.check.drawn import Drawn
    from picosched.check.outline import Outline
    from picosched.engine.engine import Engine
    from picosched.krl.scope import Scope
    from picosched.settings import Settings
    from picosched.timespec.almanac import Almanac

app = Commands()
PANEL = "Rulesets and times"


@command(
    app,
    PANEL,
    "picosched check rulesets/*.krl",
    "picosched check --json tea.krl | jq .message",
    "picosched check --whole rulesets/*.krl",
    "picosched check --whole --outside 'tea:*' --outside cup:broken tea.krl cups.krl",
    "picosched check --whole --dot tea.krl | dot -Tsvg > tea.svg",
    "picosched check --whole --db home.db --svg home.svg",
    "picosched check --explain W204",
)
def check(
    files: Annotated[
        list[Path] | None, Argument(metavar="FILE…", help="Rulesets to check.", show_default=False)
    ] = None,
    explain: Annotated[
        str | None,
        Option("--explain", metavar="CODE", help="Explain a code, and how to fix it."),
    ] = None,
    classic: Annotated[
        bool, Option("--classic", help="Also report what is outside the classic engine (W401).")
    ] = False,
    config: Annotated[
        Path | None,
        Option("--config", metavar="FILE", help="Settings to go by. Default: picosched.toml, if it exists."),
    ] = None,
    whole: Annotated[
        bool, Option("--whole", help="Also check how the rulesets raise events for each other.")
    ] = False,
    outside: Annotated[
        list[str] | None,
        Option("--outside", metavar="EVENT", help="With --whole: an event from outside, such as 'tea:*'."),
    ] = None,
    dot: Annotated[bool, Option("--dot", help="With --whole: print the graph as Graphviz text.")] = False,
    svg: Annotated[
        Path | None, Option("--svg", metavar="FILE", help="With --whole: draw the graph into this file, too.")
    ] = None,
    db: Annotated[
        str | None, Option("--db", metavar="FILE", help="With --whole: what is installed in this database.")
    ] = None,
    url: Annotated[
        str | None, Option("--url", metavar="URL", help="With --whole: what is installed on this server.")
    ] = None,
    token_file: TokenFile = None,
    pico: Annotated[
        str | None,
        Option("--pico", metavar="NAME", help="With --db or --url: only this pico and its descendants."),
    ] = None,
    json: Json = False,
) -> None:
    """Report all errors and warnings in rulesets.

    Each is printed as [bold]file:line:col: CODE message[/bold], with the source line and a caret. Codes
    that begin with E are errors, codes with W warn of code that runs but may surprise. The exit status is 1
    if there are errors, 0 if there are only warnings.

    With --whole, the rulesets are taken to belong to one pico or family: which rules nothing reaches, which
    events no rule selects or accepts, and which loops never end. With --db or --url it looks at what is
    installed, and --dot and --svg say on each arrow how often the event came and the rule fired, by the
    journal.
    """
    from picosched.check import explanation

    if explain is not None:
        write(explanation(explain))
        return
    if db is not None or url is not None:
        if files or outside or not whole:
            raise WrongUseError("--db and --url need --whole, and neither files nor --outside")
        _check_installed(where_options(db, url, token_file), pico, dot, svg, json)
        return
    if not files:
        raise WrongUseError("name a file, or a code with --explain")
    from picosched.cli.opening import TOML, settings_here

    known = config is not None or TOML.exists()
    settings = settings_here(config=config)
    if not whole and (dot or svg or outside):
        raise WrongUseError("--dot, --svg and --outside need --whole")
    if dot:
        from picosched.check.graph import Graph, dot_of

        write(dot_of(Graph(_outlines(files))).rstrip())
        return
    if known:
        _check_commands(TOML if config is None else config, settings)
    faulty = False
    for file in files:
        faulty = _check(file, classic, settings, known, json) or faulty
    if faulty:
        raise SystemExit(EXIT_STATUS["invalid"])
    if whole:
        _check_whole(files, outside, svg, json)


def _check_commands(file: Path, settings: Settings) -> None:
    """Warn of the commands of crontab files that the settings do not allow."""
    from picosched.sources.commands import refused_commands
    from picosched.sources.reading import load_sources

    try:
        sources = load_sources(file, settings.almanac)
        faults = [each for source in sources for each in refused_commands(source, settings.proc_allow)]
    except PicoschedError as error:  # the rulesets are checked all the same
        faults = [error.message]
    for each in faults:
        write(f"warning: {file}: {each}", "yellow", stderr=True)


def _outlines(files: list[Path]) -> list[Outline]:
    from picosched.check.outline import outline_of
    from picosched.krl.source import read_source

    return [outline_of(read_source(file), str(file)) for file in files]


def _check_whole(files: list[Path], outside: list[str] | None, svg: Path | None, json: bool) -> None:
    """Report the findings for rulesets that have no errors of their own, taken together, and draw them."""
    from picosched.check.drawn import draw
    from picosched.check.graph import Graph
    from picosched.check.whole import check_whole

    outlines = _outlines(files)
    texts = {each.subject.source.name: each.subject.source.text for each in outlines}
    found = check_whole(outlines, outside)
    if svg is not None:
        _write_picture(svg, draw(Graph(outlines), findings=found))
    for each in found:
        if json:
            write_json(_finding_json(each))
        else:
            write_rendered(rendered(each.error, texts[each.span.file]), "yellow")
    if not found and not json:
        write("the whole: no faults")


def _write_picture(file: Path, drawn: Drawn) -> None:
    from picosched.check.svg import svg_of

    try:
        file.write_text(svg_of(drawn), encoding="utf-8")
    except OSError as error:
        raise PicoschedError(f"cannot write {file}: {error.strerror}") from error


def _check_installed(where: Where, pico: str | None, dot: bool, svg: Path | None, json: bool) -> None:
    """Report the findings for the installed rulesets together, or their graph."""
    with where.opened(readonly=True) as engine:
        found = engine.whole(pico)
    for each in found.left_out:
        write(each, stderr=True)
    if svg is not None:
        _write_picture(svg, found.picture)
    if dot:
        write(found.dot.rstrip())
    elif json:
        for warning in found.found:
            write_json({key: value for key, value in asdict(warning).items() if key != "text"})
    else:
        for warning in found.found:
            write_rendered(warning.text, "yellow")
        if not found.found:
            write("the whole: no faults")


def _check(file: Path, classic: bool, settings: Settings, known: bool, json: bool) -> bool:
    """Report the findings for a file; return whether there is an error. `known`: a file says the settings."""
    from picosched.check import check
    from picosched.krl.source import read_source

    try:
        text = read_source(file)
    except PicoschedError as error:  # the other files are still checked
        if json:
            write_json(
                {**dict.fromkeys(FINDING), "severity": "error", "file": str(file), "message": error.message}
            )
        else:
            write(f"{file}: {error.message}")
        return True
    now = SystemClock().now()
    of_engine = settings if known else None
    found = check(text, str(file), settings.almanac, now, classic=classic, settings=of_engine)
    for each in found:
        if json:
            write_json(_finding_json(each))
        else:
            write_rendered(rendered(each.error, text), "red" if each.severity == "error" else "yellow")
    if not found and not json:
        write(f"{file}: no faults")
    return any(each.severity == "error" for each in found)


FINDING = ("code", "severity", "file", "line", "column", "end_line", "end_column", "message")
"""The fields of a finding in `--json`; a file that cannot be read has neither code nor position."""


def _finding_json(finding: Finding) -> dict[str, Any]:
    whole = {**asdict(finding.span), **asdict(finding)}
    return {key: whole[key] for key in FINDING}


@command(
    app,
    PANEL,
    "picosched eval '[1, 2, 3].map(function(x){ x * x })'",
    'picosched eval \'time:add("2026-03-01", {"days": 3})\'',
    """picosched eval 'event:attrs{"who"}.uc()' --attrs '{"who": "ada"}'""",
    name="eval",
)
def evaluate(
    expression: Annotated[
        str, Argument(metavar="EXPR", help="A KRL expression; declarations may precede it.")
    ],
    attrs: Annotated[
        str | None, Option("--attrs", metavar="JSON", help="A map, available as event:attrs.")
    ] = None,
    json: Annotated[bool, Option("--json", help="Print JSON, the default.")] = False,
) -> None:
    """Print the value of a KRL expression, as JSON.

    It is evaluated in an empty pico: entity variables are null, and actions are not available.
    """
    from picosched.engine.engine import Engine
    from picosched.krl.body import evaluate_body
    from picosched.krl.size import spending
    from picosched.krl.text import json_value
    from picosched.settings import Settings

    with Engine(settings=Settings()) as engine:
        scope = _scope(engine, attrs)
        try:
            with spending(scope.budget):
                value = json_value(evaluate_body(expression, scope))
            write_json(value)
        except KrlError as error:
            show_error(error, expression)
            raise SystemExit(EXIT_STATUS[error.code]) from error


def _scope(engine: Engine, attrs: str | None) -> Scope:
    """A scope in an empty pico, outside any ruleset, with a current event if there are attributes."""
    from picosched.krl.scope import Scope
    from picosched.notation import parse_map
    from picosched.pico.event import Event

    pico = engine.loaded.load_pico(engine.root.id)
    event = None
    if attrs is not None:
        event = Event("", "", parse_map(attrs, "--attrs"), "", engine.now())
    return Scope(
        rid="",
        pico_id=pico.id,
        budget=pico.budget,
        effects=pico.effects,
        now=engine.now,
        random=pico.random,
        meta={},
        config={},
        event=event,
    )


@command(
    app,
    PANEL,
    "picosched next '0 9 * * 1-5'",
    "picosched next '30 2 * * *' --tz Europe/Berlin --from 2026-03-28",
    "picosched next 'last day of month'",
    "picosched next '2nd thursday of month at 10:30' --tz America/New_York",
    "picosched next '0 9 * * 1-5 except 2026-12-25' --picture year",
    "picosched next \"weekdays at 9:00 except holidays('US')\"",
    "picosched next '@every 20m & * 9-16 * * 1-5'",
    "picosched next 'every 2 weeks on friday at 17:00 from 2026-03-06'",
    """picosched next '{"hours": [9, 17], "minutes": 0, "dates": "last"}'""",
    "picosched next 'RRULE:FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-2' --from 2026-03-01T09:00Z",
    "picosched next @monthly -n 3 --json",
    name="next",
)
def next_(
    timespec: Annotated[
        str,
        Argument(
            metavar="TIMESPEC",
            help="minute hour day month weekday, optionally with leading seconds; @daily, @every 90s; "
            "words, as 'last day of month at 18:00'; a JSON map; or an RRULE. Combine with |, & and except.",
        ),
    ],
    count: Annotated[int, Option("-n", "--count", min=1, max=10_000, help="Number of times.")] = 5,
    start: Annotated[
        str | None, Option("--from", metavar="TIME", help="Start after this time. Default: now.")
    ] = None,
    tz: Annotated[str, Option("--tz", metavar="ZONE", help="The zone of the timespec.")] = "UTC",
    picture: Annotated[
        Literal["week", "year", "none"] | None,
        Option(help="What to draw: the hours of a week or the days of a year. Default: what fits."),
    ] = None,
    json: Json = False,
) -> None:
    """Explain a timespec in words, list its next times, and draw it.

    The times are shown exactly, in UTC and in the zone if given. An engine rounds them up to its
    granularity. The picture is in local time: the hours of the week if every week is alike, otherwise the
    days of the year.
    """
    from picosched.timespec.timespec import Timespec

    since = SystemClock().now() if start is None else parse_time(start)
    spec = Timespec.parse(timespec, tz, _almanac(timespec)).starting(since)
    times = spec.following(since, count)
    left_out = [*spec.left_out(since, times[-1])] if times else []
    if json:
        write_json(
            {
                "timespec": spec.text,
                "tz": spec.tz,
                "explain": spec.explain(),
                "next": [*map(format_time, times)],
                "left_out": [each.as_json() for each in left_out],
                "ending": spec.ending(since),
            }
        )
        return
    write(spec.explain())
    show_times(times, spec.tz)
    for each in left_out:
        write(f"  left out: {each}")
    if ending := spec.ending(since):
        write(ending)
    if times and picture != "none":
        from picosched.cli.picture import picture as drawn

        write("")
        for line in drawn(spec, since, picture, sys.stdout.encoding):
            write(line)


def _almanac(text: str) -> Almanac:
    """What timespecs in a text are read with: what the settings say, which cost time to read, if need be."""
    from picosched.timespec.almanac import PLAIN, names_any

    if not names_any(text):
        return PLAIN
    from picosched.cli.opening import settings_here

    return settings_here().almanac


def show_times(times: list[datetime], tz: str) -> None:
    if not times:
        write("  never again")
    elif tz == "UTC":
        for time in times:
            write(f"  {format_time(time)}  {time:%a}")
    else:
        from zoneinfo import ZoneInfo

        local = [time.astimezone(ZoneInfo(tz)) for time in times]
        write_table(
            ("UTC", tz),
            [
                (format_time(time), f"{there:%a %Y-%m-%d %H:%M:%S %Z}")
                for time, there in zip(times, local, strict=True)
            ],
        )
