"""Windows that all rulesets see: which are open, what depends on them; making, changing, removing them."""

from __future__ import annotations

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from picosched.errors import PicoschedError
from picosched.krl.library.window import no_window
from picosched.schedule.window_state import WindowState
from picosched.web.api.needs import AUTHOR, READ
from picosched.web.api.shapes import AnEngine, Changes, Input

router = APIRouter(prefix="/api/windows", tags=["windows"])


class UsesShape(BaseModel):
    """How much depends on a window."""

    schedules: int
    sources: int
    rulesets: int = Field(description="Those that select its edges or name it.")


class WindowShape(BaseModel):
    """A window that all rulesets see."""

    name: str
    from_: str = Field(alias="from", description="The timespec at which it opens.")
    to: str
    in_: str = Field(alias="in", description="The time zone.")
    open: bool = Field(description="Whether it is open now.")
    next_opening: str | None
    next_closing: str | None
    fault: str | None = Field(description="Why it cannot be read, or that one made has its name too.")
    uses: UsesShape
    configured: bool = Field(description="Whether it is a table of the settings.")
    made: str | None
    made_by: str | None


class NewWindow(Input):
    """The keys of a table `[window.NAME]`, and its name."""

    name: str = Field(description="1 to 64 letters, digits and `. _ @ -`.")
    opens: str | dict[str, Any] = Field(alias="from", description="The timespec at which it opens.")
    closes: str | dict[str, Any] = Field(alias="to", description="The timespec at which it closes.")
    tz: str = Field("UTC", alias="in", description="The time zone.")


class ChangedWindow(Changes):
    """What changes of a window; null stays as it is."""

    opens: str | dict[str, Any] | None = Field(None, alias="from")
    closes: str | dict[str, Any] | None = Field(None, alias="to")
    tz: str | None = Field(None, alias="in")


@router.get("", dependencies=[READ])
def list_windows(engine: AnEngine) -> list[WindowShape]:
    """The windows that all rulesets see: those of the settings in their order, then those made, by name."""
    return [_shape(each) for each in engine.windows()]


@router.post("", dependencies=[AUTHOR], status_code=201)
def add_window(new: NewWindow, engine: AnEngine) -> WindowShape:
    """Make a window; it holds from now on. 409 if its name is taken."""
    return _shape(engine.add_window(new.name, new.opens, new.closes, tz=new.tz))


@router.patch("/{name}", dependencies=[AUTHOR])
def change_window(name: str, changed: ChangedWindow, engine: AnEngine) -> WindowShape:
    """Change a window that was made here; 409 for one of the settings. This raises no event."""
    changed.check()
    return _shape(engine.change_window(name, opens=changed.opens, closes=changed.closes, tz=changed.tz))


@router.delete("/{name}", dependencies=[AUTHOR], status_code=204)
def remove_window(name: str, engine: AnEngine, force: bool = False) -> None:
    """Remove a window that was made here; 409 for one of the settings.

    Also 409 if something depends on it, unless `force`: then that fails.
    """
    if not engine.remove_window(name, force=force):
        names = [each.name for each in engine.windows() if not each.configured]
        raise PicoschedError(no_window(name, names), "not_found")


def _shape(state: WindowState) -> WindowShape:
    return WindowShape(**state.as_json())
