"""Alerts: whom the settings tell of what, and what became of it."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from picosched.web.api.needs import READ
from picosched.web.api.shapes import AnEngine

router = APIRouter(prefix="/api/alerts", tags=["alerts"])


class LastShape(BaseModel):
    """The last thing that an alert told."""

    at: str
    what: str | None = Field(description="As in `hourly failed`.")
    became: str = Field(description="`raised`, `accepted`, `tried again`, `given up` or `dropped`.")
    why: str | None


class AlertShape(BaseModel):
    """An alert, without its secrets."""

    name: str
    to: str
    on: list[str]
    after: int
    signed: bool
    waiting: int = Field(description="Deliveries that are on their way.")
    dead: int = Field(description="Deliveries that were given up.")
    last: LastShape | None


@router.get("", dependencies=[READ])
def list_alerts(engine: AnEngine) -> list[AlertShape]:
    """All alerts, in the order of the settings."""
    return [AlertShape(**each.as_json()) for each in engine.alerts()]
