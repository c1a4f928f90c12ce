"""The tools: functions of plain values, whose docstrings and parameters are what an assistant reads.

Each call opens the database or the server anew, so that nothing is held between two calls, and a database
that another process has open can be read. All answers are bounded. A ruleset is always a text here: nothing
is read from a file or an address that an assistant names.
"""

from __future__ import annotations

from collections import Counter
from contextlib import nullcontext
from dataclasses import dataclass
from datetime import timedelta
from itertools import islice
from typing import Annotated, Any

from pydantic import Field

from picosched.check import check
from picosched.cli.choosing import Kind, Standing, Wanted
from picosched.cli.opening import TOML, settings_here
from picosched.cli.rows import row_json
from picosched.cli.turns import turn_json
from picosched.cli.where import Where, load_scheduled, pico_of, warnings_of
from picosched.clock import SystemClock, format_time, parse_time
from picosched.errors import PicoschedError
from picosched.krl.ruleset import compile_ruleset
from picosched.notation import parse_input, parse_named
from picosched.timespec.timespec import Timespec

MOST_TIMES = 1_000
MOST_ROWS = 500
MOST_RECORDS = 500
MOST_INPUTS = 1_000
MOST_DAYS = 366
LONGEST = timedelta(days=MOST_DAYS)
"""Of a simulation."""
SECONDS = 20.0
"""Of real time, of a simulation."""
MOST_PLANNED = 5_000
"""Events that each of the two rehearsals of a plan raises."""

Answer = dict[str, Any]
Pico = Annotated[str | None, Field(description="A pico's name or id; by default the root.")]
Id = Annotated[str, Field(description="A schedule's id, the beginning of one, or its name.")]
Time = Annotated[str, Field(description="ISO 8601, such as 2026-03-01T09:00:00Z.")]
MaybeTime = Annotated[str | None, Field(description="ISO 8601, such as 2026-03-01T09:00:00Z.")]


@dataclass(frozen=True)
class Tools:
    """The tools on one database or server."""

    where: Where

    def check(self, text: Annotated[str, Field(description="The text of a ruleset.")]) -> Answer:
        """All errors and warnings in a ruleset's text, with their codes and places.

        It can be installed if there is no error.
        """
        settings = settings_here()
        known = settings if TOML.exists() else None
        found = check(text, None, settings.almanac, SystemClock().now(), settings=known)
        findings = [
            {
                "code": each.code,
                "severity": each.severity,
                "line": each.span.line,
                "column": each.span.column,
                "message": each.message,
                "shown": each.error.render(text),
            }
            for each in found
        ]
        return {"findings": findings, "errors": sum(each.severity == "error" for each in found)}

    def next(
        self,
        timespec: Annotated[
            str,
            Field(
                description="Cron text, words such as 'last weekday of month at 18:00', a JSON map, an RRULE."
            ),
        ],
        tz: Annotated[str, Field(description="The zone of the timespec.")] = "UTC",
        start: MaybeTime = None,
        count: Annotated[int, Field(ge=1, le=MOST_TIMES)] = 5,
    ) -> Answer:
        """A timespec in words, and its next times after `start`, by default now."""
        since = SystemClock().now() if start is None else parse_time(start)
        spec = Timespec.parse(timespec, tz, settings_here().almanac).starting(since)
        times = spec.following(since, count)
        left_out = [*spec.left_out(since, times[-1])] if times else []
        return {
            "explain": spec.explain(),
            "next": [*map(format_time, times)],
            "left_out": [each.as_json() for each in left_out],
            "ending": spec.ending(since),
        }

    def simulate(
        self,
        start: Time,
        until: Time,
        rulesets: Annotated[list[str] | None, Field(description="Texts of rulesets to install.")] = None,
        events: Annotated[
            list[str] | None,
            Field(description="Each '[TIME] domain:type name=value …'; without a time at the start."),
        ] = None,
        config: Annotated[dict[str, Any] | None, Field(description="Configures the rulesets.")] = None,
        copied: Annotated[
            bool, Field(description="Start from a copy of the picos and their schedules, not from nothing.")
        ] = False,
        pico: Pico = None,
        limit: Annotated[int, Field(ge=1, le=MOST_RECORDS)] = 100,
    ) -> Answer:
        """Run rulesets in virtual time, at most 366 days and 20 s, and return every event they would handle.

        Nothing outside is touched. `complete` is false if there are more records than `limit`, or it took too
        long.
        """
        from picosched.engine.rehearsed import TookLongError
        from picosched.rehearsal.simulate import simulate

        since, end = parse_time(start), parse_time(until)
        if end - since > LONGEST:
            raise PicoschedError(
                f"found {(end - since).days} days, wanted {LONGEST.days} or fewer", "too_large"
            )
        lines = events or []
        if len(lines) > MOST_INPUTS:
            raise PicoschedError(f"found {len(lines):,} events, wanted {MOST_INPUTS:,} or fewer", "too_large")
        let_go = Counter[str]()
        found: list[Answer] = []
        cut = False
        with self.where.copied() if copied else nullcontext() as store:
            records = simulate(
                [*map(_text, rulesets or [])],
                since,
                end,
                [*map(parse_input, lines)],
                store=store,
                pico=pico,
                config=config,
                settings=settings_here(),
                let_go=let_go,
                seconds=SECONDS,
            )
            try:
                for each in islice(records, limit + 1):
                    found.append({**each.as_json(), "considered": each.considered})
            except TookLongError:
                cut = True
        complete = not cut and len(found) <= limit
        return {"records": found[:limit], "complete": complete, "not_raised": dict(let_go)}

    def plan(
        self,
        rulesets: Annotated[list[str], Field(description="Texts of rulesets.")],
        days: Annotated[int, Field(ge=1, le=MOST_DAYS)] = 30,
        pico: Annotated[str | None, Field(description="Only this pico. Default: all that have them.")] = None,
        asserted: Annotated[
            list[str] | None, Field(description="Sentences such as 'no more than 5 fires/min'.")
        ] = None,
    ) -> Answer:
        """What would change in the coming days if rulesets were installed now: both versions side by side."""
        texts = [*map(_text, rulesets)]
        with self.where.opened(readonly=True) as engine:
            found = engine.plan(texts, days, pico, asserted=asserted or (), most=MOST_PLANNED)
        return {**found.as_json(), "shown": "\n".join(found.lines())}

    def why(
        self,
        what: Annotated[
            str, Field(description="A schedule's id or name, an event's id or domain:type, or a rid.rule.")
        ],
        at: MaybeTime = None,
    ) -> Answer:
        """Why something fired or not, last or at a time: each link, which broke, what would have helped."""
        with self.where.opened(readonly=True) as engine:
            found = engine.why(what, None if at is None else parse_time(at))
        return {**found.as_json(), "shown": "\n".join(found.lines())}

    def scheduled(
        self,
        pico: Pico = None,
        rid: str | None = None,
        name: str | None = None,
        event: Annotated[str | None, Field(description="A domain, or domain:type.")] = None,
        kind: Kind | None = None,
        status: Annotated[Standing | None, Field(description="By default pending and paused.")] = None,
        text: str | None = None,
        since: MaybeTime = None,
        until: MaybeTime = None,
        limit: Annotated[int, Field(ge=1, le=MOST_ROWS)] = 50,
    ) -> Answer:
        """Scheduled events that match all that is given, soonest first, with what scheduled them."""
        wanted = Wanted(pico, rid, name, event, kind, status, since, until, text)
        with self.where.opened(readonly=True) as engine:
            which = wanted.filter(engine)
            rows = engine.agenda.scheduled(which, limit)
            names = engine.agenda.names(rows)
            total = engine.agenda.count(which)
        return {"scheduled": [row_json(each, names) for each in rows], "total": total}

    # Changing

    def raise_(
        self,
        event: Annotated[str, Field(description="domain:type")],
        attrs: dict[str, Any] | None = None,
        pico: Pico = None,
    ) -> Answer:
        """Raise an event now; returns its directives, and for each rule why it fired or not."""
        named = parse_named([event])
        with self.where.opened() as engine:
            turn = pico_of(engine, pico).raise_event(named.first, named.second, attrs or {})
        return turn_json(turn, explain=True)

    def fire(self, id: Id) -> Answer:
        """Raise a scheduled event now, outside its schedule. This finishes one that comes once."""
        with self.where.opened() as engine:
            turn = engine.agenda.fire_now(load_scheduled(engine, id).id)
        return turn_json(turn, explain=True)

    def pause(self, id: Id, until: MaybeTime = None) -> Answer:
        """Pause a scheduled event, until a time or until resumed; what is due meanwhile is not raised."""
        with self.where.opened() as engine:
            ids = [load_scheduled(engine, id).id]
            return {"changed": bool(engine.agenda.pause(ids, None if until is None else parse_time(until)))}

    def resume(self, id: Id) -> Answer:
        """Resume a paused event: a repeat at its next time, an overdue single one at once."""
        with self.where.opened() as engine:
            return {"changed": bool(engine.agenda.resume([load_scheduled(engine, id).id]))}

    def cancel(self, id: Id) -> Answer:
        """Cancel a scheduled event. It cannot be undone."""
        with self.where.opened() as engine:
            return {"changed": bool(engine.agenda.cancel([load_scheduled(engine, id).id]))}

    def install(
        self,
        text: Annotated[str, Field(description="The text of a ruleset.")],
        pico: Pico = None,
        config: dict[str, Any] | None = None,
    ) -> Answer:
        """Install a ruleset, or replace its text: its variables and schedules stay."""
        with self.where.opened() as engine:
            target = pico_of(engine, pico)
            ruleset = target.install(_text(text), config)
            warnings = [str(each) for each in warnings_of(engine, ruleset)]
        return {"rid": ruleset.rid, "pico": target.name, "warnings": warnings}


def _text(text: str) -> str:
    """A ruleset's text, checked to be one, so that it is never taken for a path or URL."""
    compile_ruleset(text if "\n" in text else f"{text}\n")
    return text
