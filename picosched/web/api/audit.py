"""The audit: who did what from outside."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from picosched.acting import Role
from picosched.store.audit import LAST
from picosched.web.api.needs import READ
from picosched.web.api.shapes import TIME, AnEngine, Limit, PageShape, Text

router = APIRouter(prefix="/api", tags=["audit"])


class DeedShape(BaseModel):
    """Something that somebody did."""

    seq: int
    at: str
    by: str = Field(description="Who did it: the surface, and the name of the token.")
    what: str
    kind: str = Field(description="What it was done to: a schedule, a pico, a ruleset …")
    on: str = Field(description="To which one: an id or a name.")
    told: str | None = Field(description="More of it, in words.")
    surface: str
    name: str | None = Field(description="Of the token; null for the owner.")
    role: Role


@router.get("/audit", dependencies=[READ])
def list_deeds(
    engine: AnEngine,
    since: Annotated[str | None, Query(description=f"Done at this time or later. {TIME}")] = None,
    name: Text = None,
    what: Text = None,
    kind: Text = None,
    on: Text = None,
    limit: Limit = 100,
    after: Annotated[int, Query(ge=0, le=LAST, description="`next` from the previous page.")] = LAST,
) -> PageShape[DeedShape]:
    """What was done from outside, newest first."""
    found = engine.audit(since, limit + 1, name=name, what=what, kind=kind, on=on, before=after)
    next = str(found[limit - 1].seq) if len(found) > limit else None
    return PageShape(items=[DeedShape(**each.as_json()) for each in found[:limit]], next=next)
