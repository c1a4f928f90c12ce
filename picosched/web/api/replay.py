"""The past once more: which turns are not as they were, from a snapshot on."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter
from pydantic import BaseModel, Field

from picosched.engine.copied import MOST_RULESETS
from picosched.engine.replay import MOST_TURNS, USUAL_TURNS
from picosched.web.api.busy import busy
from picosched.web.api.needs import AUTHOR
from picosched.web.api.rulesets import LONGEST, checked_ruleset
from picosched.web.api.shapes import TIME, AnEngine, Input

router = APIRouter(prefix="/api", tags=["replay"])


class Past(Input):
    """The time to replay, and rulesets that stand in."""

    since: str = Field(max_length=100, description=f"{TIME} It starts from the newest snapshot up to here.")
    until: str | None = Field(None, max_length=100, description=f"{TIME} Default: the last turn.")
    rulesets: list[Annotated[str, Field(max_length=LONGEST)]] = Field(
        [], max_length=MOST_RULESETS, description="Texts, in place of those with the same rid from then on."
    )
    first: bool = Field(False, description="End at the first turn of all that differs.")
    most: int = Field(
        USUAL_TURNS, ge=1, description=f"How many turns may be replayed, at most {MOST_TURNS:,}."
    )


class DifferenceShape(BaseModel):
    """The first turn of a pico that is not as it was."""

    pico: str
    at: str
    was: list[str] = Field(description="Empty if there was no such turn.")
    became: list[str]
    seq: int | None = Field(description="Its number in the journal.")
    rule: str | None = Field(description="The first rule with another outcome, and its line.")
    unsure: str | None = Field(description="Why it cannot be compared.")


class ReplayedShape(BaseModel):
    """What a replay found."""

    began: str = Field(description="The time of the last turn in the state it started from.")
    since: str
    until: str
    turns: int
    outside: int = Field(description="Turns whose events came from outside, and were raised again.")
    differences: list[DifferenceShape]
    unsure: list[DifferenceShape] = Field(description="What cannot be compared.")
    lost: int = Field(description="Events for picos that could not be made again.")
    requests: int = Field(description="Requests whose answers are not on record.")
    programs: int = Field(description="Programs whose end is not on record.")
    unrecorded: int = Field(description="Turns of which neither numbers nor answers were recorded.")
    changed: list[str] = Field(description="Rulesets that people installed, which was not recorded.")
    redone: int = Field(description="What people did meanwhile, and was done again.")
    not_replayed: list[str] = Field(description="What could not be done again, with the reason.")
    status: int = Field(description="0 if each turn is as it was, 2 if one differs.")


@router.post("/replay", dependencies=[AUTHOR])
def replay(what: Past, engine: AnEngine) -> ReplayedShape:
    """Replay the turns on record on a copy, and compare each; nothing is changed or sent."""
    texts = [checked_ruleset(text) for text in what.rulesets]
    with busy():
        found = engine.replay(what.since, what.until, texts, first=what.first, most=what.most)
        return ReplayedShape(**found.as_json())
