"""Alerts: who is told of what, and what became of it; those that are made, changed and removed here."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from picosched.errors import PicoschedError, shortened
from picosched.schedule.alert import TOLD
from picosched.web.api.needs import AUTHOR, OPERATE, READ
from picosched.web.api.shapes import AnEngine, Changes, Input

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
    configured: bool = Field(description="Whether it is a table of the settings.")
    made: str | None
    made_by: str | None
    fault: str | None = Field(description="Why nothing that it tells arrives, as far as the settings say.")


class NewAlert(Input):
    """The keys of a table `[alert.NAME]`, and its name."""

    name: str = Field(description="1 to 64 letters, digits and `. _ @ -`.")
    to: str = Field(description="A URL, `mailto:` and an address, or `eci:` and a channel.")
    on: list[str] = Field([*TOLD], description="What to tell of.")
    after: int = 1
    secret: str = Field("", description="Signs requests.")


class ChangedAlert(Changes):
    """What changes of an alert; null stays as it is."""

    to: str | None = None
    on: list[str] | None = None
    after: int | None = None
    secret: str | None = None


@router.get("", dependencies=[READ])
def list_alerts(engine: AnEngine) -> list[AlertShape]:
    """All alerts: those of the settings in their order, then those made here, by name."""
    return [AlertShape(**each.as_json()) for each in engine.alerts()]


@router.post("", dependencies=[AUTHOR], status_code=201)
def add_alert(new: NewAlert, engine: AnEngine) -> AlertShape:
    """Make an alert; it holds from now on. 409 if its name is taken."""
    made = engine.add_alert(new.name, new.to, on=new.on, after=new.after, secret=new.secret)
    return AlertShape(**made.as_json())


@router.patch("/{name}", dependencies=[AUTHOR])
def change_alert(name: str, changed: ChangedAlert, engine: AnEngine) -> AlertShape:
    """Change an alert that was made here; 409 for one of the settings."""
    changed.check()
    state = engine.change_alert(
        name, to=changed.to, on=changed.on, after=changed.after, secret=changed.secret
    )
    return AlertShape(**state.as_json())


@router.delete("/{name}", dependencies=[AUTHOR], status_code=204)
def remove_alert(name: str, engine: AnEngine) -> None:
    """Remove an alert that was made here; 409 for one of the settings."""
    if not engine.remove_alert(name):
        raise PicoschedError(f"there is no alert {shortened(name)}", "not_found")


@router.post("/{name}/test", dependencies=[OPERATE], status_code=204)
def test_alert(name: str, engine: AnEngine) -> None:
    """Let it tell of a happening `test`; the list says what became of it."""
    engine.test_alert(name)
