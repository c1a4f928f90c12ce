"""Rulesets together: what would change if some were deployed, and the graph of those installed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import BaseModel, Field

from picosched.check.svg import svg_of
from picosched.engine.copied import MOST_RULESETS
from picosched.engine.plan import MOST_DAYS, MOST_RAISED, USUAL_DAYS, USUAL_RAISED
from picosched.web.api.busy import busy
from picosched.web.api.needs import AUTHOR, READ
from picosched.web.api.rulesets import LONGEST, checked_ruleset
from picosched.web.api.shapes import AnEngine, Input

router = APIRouter(prefix="/api", tags=["plan"])


class Deployment(Input):
    """Rulesets as they would be deployed, and what to look at."""

    rulesets: list[Annotated[str, Field(max_length=LONGEST)]] = Field(
        min_length=1, max_length=MOST_RULESETS, description="Texts, or URLs of standard rulesets."
    )
    days: int = Field(USUAL_DAYS, description=f"How far ahead, at most {MOST_DAYS}.")
    pico: str | None = Field(
        None,
        max_length=1_000,
        description="Default: each that has them, or else the root.",
    )
    asserted: list[Annotated[str, Field(max_length=200)]] = Field(
        [], max_length=50, description='What must hold, as "no more than 5 fires/min".'
    )
    most: int = Field(USUAL_RAISED, description=f"Events after which it ends, at most {MOST_RAISED:,}.")


class DeployedShape(BaseModel):
    """A ruleset that a pico would get; `new` if it has none of that rid."""

    pico: str
    rid: str
    new: bool


class CountedShape(BaseModel):
    """How often something happens before and after."""

    what: str
    before: int
    after: int
    differ: int = Field(description="Of an event: how many are handled differently.")


class OfPicoShape(BaseModel):
    """What changes in a pico."""

    pico: str
    id: str
    counts: list[CountedShape]
    state: list[str]
    schedules: list[str]


class DifferenceShape(BaseModel):
    """An event that is handled differently, and how many like it."""

    at: str
    pico: str
    event: str
    lines: list[str]
    count: int
    last: str | None


class PlanShape(BaseModel):
    """What would change."""

    since: str
    until: str
    deployed: list[DeployedShape]
    picos: list[OfPicoShape]
    picos_more: int
    differences: list[DifferenceShape]
    more: int
    fires_before: int
    fires_after: int
    busiest: str | None
    left_out: list[str]
    left_out_more: int
    raised: int
    cut: str | None = Field(description="Why it ended early, at `until`.")
    broken: list[str]
    status: int = Field(description="0 if nothing changes, 2 if something does, 1 if an assertion is broken.")


class FoundShape(BaseModel):
    """A warning about the rulesets together."""

    code: str
    rid: str
    line: int
    column: int
    message: str
    text: str = Field(description="With its line and a caret.")


class BoxShape(BaseModel):
    """A rule or an event of the picture; x and y are those of its upper left corner."""

    kind: str = Field(description="rule or event.")
    name: str
    under: str
    rid: str
    line: int
    tone: str = Field(description="outside, lost, open, warned, or empty.")
    title: str
    x: float
    y: float
    width: float
    height: float
    hue: int


class ArrowShape(BaseModel):
    """An arrow, from an event to a rule or from a rule to an event."""

    verb: str = Field(description="raises, schedules, sends, selects, or fails.")
    path: str = Field(description="As in an SVG.")
    x: float
    y: float
    back: bool
    beside: float
    label: str
    title: str


class PictureShape(BaseModel):
    """The graph as boxes and arrows; empty with more than 400 rules."""

    width: float
    height: float
    boxes: list[BoxShape]
    arrows: list[ArrowShape]


class WholeShape(BaseModel):
    """The installed rulesets together."""

    rulesets: list[str]
    left_out: list[str]
    turns: int = Field(description="Turns of the journal that were counted.")
    found: list[FoundShape]
    dot: str = Field(description="The graph as Graphviz text.")
    picture: PictureShape


OfPico = Annotated[str | None, Query(max_length=1_000, description="With its descendants. Default: all.")]


@router.get(
    "/graph.svg",
    dependencies=[READ],
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {}}, "description": "The picture."}},
)
def graph_drawn(engine: AnEngine, pico: OfPico = None) -> Response:
    """The whole graph of the installed rulesets as a picture, with counts from the journal."""
    with busy():
        return Response(svg_of(engine.whole(pico).picture), media_type="image/svg+xml")


@router.get("/graph", dependencies=[READ])
def graph(engine: AnEngine, pico: OfPico = None) -> WholeShape:
    """The whole graph of the installed rulesets, with counts from the journal, and warnings about it."""
    with busy():
        return WholeShape(**engine.whole(pico).as_json())


@router.post("/plan", dependencies=[AUTHOR])
def plan(what: Deployment, engine: AnEngine) -> PlanShape:
    """What would change if rulesets were deployed now, rehearsed on copies; nothing is changed or sent."""
    texts = [checked_ruleset(text) for text in what.rulesets]
    with busy():
        found = engine.plan(texts, what.days, what.pico, asserted=what.asserted, most=what.most)
        return PlanShape(**found.as_json())
