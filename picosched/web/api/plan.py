"""Rulesets together: what would change if some were deployed, and the graph of those installed."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from picosched.engine.plan import MOST_DAYS, MOST_RAISED, MOST_RULESETS, USUAL_DAYS, USUAL_RAISED
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


class WholeShape(BaseModel):
    """The installed rulesets together."""

    rulesets: list[str]
    left_out: list[str]
    turns: int = Field(description="Turns of the journal that were counted.")
    found: list[FoundShape]
    dot: str = Field(description="The graph as Graphviz text.")


@router.get("/graph", dependencies=[READ])
def graph(
    engine: AnEngine,
    pico: Annotated[
        str | None, Query(max_length=1_000, description="With its descendants. Default: all.")
    ] = None,
) -> WholeShape:
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
