"""The JSON models, and their construction from the engine's objects.

Times are ISO 8601 in UTC with `Z`, picos are given by name and id. Lists come in pages: pass `next` as
`after` to get the following page; it is null on the last.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Generic, Literal, TypeVar, get_origin

from fastapi import Depends, Header, Query, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, create_model

from picosched.clock import format_time, parse_time
from picosched.engine.engine import Engine
from picosched.engine.pico import PicoRef
from picosched.errors import PicoschedError
from picosched.krl.requests import TRACEPARENT
from picosched.krl.text import LONE_SURROGATE, dumped
from picosched.pico.channel import Channel
from picosched.pico.turn import Turn
from picosched.schedule.filter import Filter
from picosched.schedule.fire import FIRE, Fire
from picosched.schedule.record import Table
from picosched.schedule.scheduled import SCHEDULED, Scheduled
from picosched.schedule.shown import shown_fire, shown_row
from picosched.store.journal import ENTRY, Entry
from picosched.store.pages import Page
from picosched.web.caller import caller
from picosched.web.request import headers_of, host_of

T = TypeVar("T")


def whole(value: Any) -> Any:
    """A JSON value with "�" for each half character, which rules can make and pydantic cannot write."""
    if dumped(value) is not None:
        return value
    return json.loads(LONE_SURROGATE.sub("\ufffd", json.dumps(value, ensure_ascii=False)))


def engine_of(request: Request) -> Engine:
    """The app's engine, for the caller."""
    engine: Engine = request.app.state.engine
    return engine.acting(caller().actor)


async def asked_host(request: Request) -> str | None:
    """The base URL of this server as the client wrote it."""
    return host_of(request.scope, headers_of(request.scope))


Whole = Annotated[T, BeforeValidator(whole)]
"""In answers: what rules may have made, with whole characters."""
AnEngine = Annotated[Engine, Depends(engine_of)]
AskedHost = Annotated[str | None, Depends(asked_host)]
AskedTrace = Annotated[str | None, Header(alias=TRACEPARENT, include_in_schema=False)]
"""Where the client stands in its trace."""
Limit = Annotated[int, Query(ge=1, le=1_000, description="Maximum number of results.")]
After = Annotated[str | None, Query(description="`next` from the previous page.", max_length=64)]
AnyPico = Annotated[str | None, Query(description="Only this pico, by name or id.")]
Text = Annotated[str | None, Query(max_length=200)]
TIME = "An ISO 8601 time, in UTC if it has no offset."


def wanted(
    engine: AnEngine,
    pico: AnyPico = None,
    rid: Text = None,
    name: Text = None,
    domain: Text = None,
    type: Text = None,
    kind: Literal["at", "repeat", "window"] | None = None,
    since: Annotated[str | None, Query(description=f"Due at this time or later. {TIME}")] = None,
    until: Annotated[str | None, Query(description=f"Due at this time or earlier. {TIME}")] = None,
    text: Annotated[str | None, Query(description="Searched for in all its texts.", max_length=200)] = None,
) -> Filter:
    """The filter of a request; `not_found` if there is no such pico."""
    return Filter(
        pico_id=pico_of(engine, pico),
        rid=rid,
        name=name,
        domain=domain,
        type=type,
        kind=kind,
        since=None if since is None else parse_time(since),
        until=None if until is None else parse_time(until),
        text=text,
    )


Wanted = Annotated[Filter, Depends(wanted)]


class PlacedShape(BaseModel):
    """An error in a KRL text; lines and columns count from 1, the end column is exclusive."""

    code: str | None
    message: str
    file: str | None = None
    line: int | None = None
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None


class ErrorShape(BaseModel):
    """An error; `errors` only for errors in a KRL text, each with its place."""

    error: str
    errors: list[PlacedShape] | None = None


class Input(BaseModel):
    """A request body; unknown fields are errors, so that typos are noticed."""

    model_config = ConfigDict(extra="forbid")


class Changes(Input):
    """What changes of something; null stays as it is."""

    def check(self) -> None:
        """PicoschedError `invalid` if nothing does."""
        if not self.model_dump(exclude_none=True):
            names = ", ".join(each.alias or name for name, each in type(self).model_fields.items())
            raise PicoschedError(f"found nothing to change, wanted some of {names}")


class PageShape(BaseModel, Generic[T]):
    """A page of a list, and the mark of the next one."""

    items: list[T]
    next: str | None


class FreeDayShape(BaseModel):
    """A local day that a calendar leaves out."""

    day: str
    why: str = Field(description="Its name in the calendar.")


class PicoShape(BaseModel):
    """A pico, in short."""

    id: str
    name: str
    parent: str | None = Field(description="The name of its parent.")
    parent_id: str | None


class PolicyShape(BaseModel):
    """Patterns `domain:type` or `rid:name`; denial wins."""

    allow: list[str]
    deny: list[str]


class ChannelShape(BaseModel):
    """A channel of a pico."""

    eci: str
    pico: str
    tags: list[str]
    events: PolicyShape
    queries: PolicyShape
    family: bool = Field(description="Whether it is reserved for a parent or child.")

    @classmethod
    def of(cls, channel: Channel, pico: str) -> ChannelShape:
        events, queries = (PolicyShape(**asdict(each)) for each in (channel.events, channel.queries))
        return cls(
            eci=channel.eci,
            pico=pico,
            tags=[*channel.tags],
            events=events,
            queries=queries,
            family=channel.kin is not None,
        )


class InstalledShape(BaseModel):
    """A ruleset on a pico."""

    rid: str
    hash: str
    origin: str | None = Field(description="The file or URL it came from.")
    config: Whole[dict[str, Any]]
    flushed: str | None = Field(description="When its text was last read from there.")


def _shape(table: Table, begin: str = "") -> type[BaseModel]:
    """A model of the fields of a record, and the name of its pico; those in `begin` come first."""
    types = {"pico_id": (str, None), **table.types()}
    names = dict.fromkeys([*begin.split(), *types])
    fields: dict[str, Any] = {}
    for name in names:
        kind, says = types[name]
        fields[name] = (_whole(kind), Field(description=says))
    return create_model(table.record.__name__, **fields)


def _whole(kind: Any) -> Any:
    return Annotated[kind, BeforeValidator(whole)] if get_origin(kind) in (dict, list) else kind


BEGIN = "id pico pico_id rid event attrs kind due timespec tz name description status paused paused_until"


# mypy cannot know a base that is made of a table.
class ScheduledShape(_shape(SCHEDULED, BEGIN)):  # type: ignore[misc]
    """A scheduled event."""

    shut: str | None = Field(
        None, description="In lists and alone: why its window stays closed, if nothing says when that opens."
    )


class FireShape(_shape(FIRE, "id pico pico_id")):  # type: ignore[misc]
    """What became of one occurrence, and the event and name of its schedule."""

    event: str | None = Field(description="`domain:type`; null if the schedule is gone.")
    name: str | None


class EntryShape(_shape(ENTRY, "seq eid pico pico_id")):  # type: ignore[misc]
    """A turn, as the journal has it."""


class TurnShape(BaseModel):
    """The result of an event."""

    eid: str
    directives: Whole[list[dict[str, Any]]]
    scheduled: list[str]
    errors: list[str]
    warnings: Whole[list[str]] = Field(description="Warnings about requests of its rules.")
    handled: Whole[list[dict[str, Any]]]
    made: list[ScheduledShape] = Field(description="What it scheduled, in full.")
    changed: list[ScheduledShape] = Field(description="The previously scheduled events it changed, in full.")
    deliveries: Whole[list[dict[str, Any]]] = Field(description="Its events for other engines, in full.")

    @classmethod
    def of(cls, turn: Turn, names: Names) -> TurnShape:
        directives = [
            {"name": each.name, "options": each.options, "rid": each.rid, "rule": each.rule}
            for each in turn.directives
        ]
        return cls(
            eid=turn.eid,
            directives=directives,
            scheduled=[*turn.scheduled],
            errors=[str(error) for error in turn.errors],
            warnings=turn.warnings,
            handled=[asdict(each) for each in turn.handled],
            made=[scheduled_shape(each, names) for each in turn.scheduled.values()],
            changed=[scheduled_shape(each, names) for each in turn.rescheduled.values()],
            deliveries=[each.as_json() for each in turn.deliveries],
        )


class Names:
    """The names of picos, with a cache."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._known: dict[str, str] = {}

    def shown(self, told: dict[str, Any]) -> dict[str, Any]:
        """A row as JSON, with the name of its pico; its eci as the caller may see it."""
        eci, name = told.get("eci"), self.of(told["pico_id"])
        return {**told, "pico": name, "eci": eci and self._engine.shown_eci(eci)}

    def of(self, id: str) -> str:
        """The name, or the id if the pico is gone."""
        if id not in self._known:
            row = self._engine.read(lambda: self._engine.store.picos.find_pico(id))
            self._known[id] = id if row is None else row.name
        return self._known[id]


def time_text(time: datetime | None) -> str | None:
    return None if time is None else format_time(time)


def pico_of(engine: Engine, name: str | None) -> str | None:
    """The id of the pico with this name or id; None for None."""
    return None if name is None else load(engine, name).id


def load(engine: Engine, name: str) -> PicoRef:
    """The pico with this name or id; `not_found` also for strings that cannot be either."""
    try:
        name.encode()
    except UnicodeEncodeError as cause:
        raise PicoschedError(f"there is no pico {name!r}", "not_found") from cause
    return engine.pico(name)


def scheduled_shape(row: Scheduled, names: Names) -> ScheduledShape:
    return ScheduledShape(**names.shown({**shown_row(row), "pico_id": row.pico_id}))


def fire_shapes(engine: Engine, fires: Sequence[Fire]) -> list[FireShape]:
    names, labels = Names(engine), engine.agenda.labels(fires)
    return [
        FireShape(
            id=each.id,
            pico=names.of(each.pico_id),
            pico_id=each.pico_id,
            **shown_fire(each),
            **labels[each.id]._asdict(),
        )
        for each in fires
    ]


def entry_shape(entry: Entry, names: Names) -> EntryShape:
    return EntryShape(**names.shown({**shown_entry(entry), "pico_id": entry.pico_id}))


shown_entry = ENTRY.to_map()


def page_of(page: Page[Any], items: list[Any]) -> dict[str, Any]:
    return {"items": items, "next": page.next}
