"""Logging in, which exchanges the token for a cookie; and the server's health, version and settings."""

from __future__ import annotations

from importlib.metadata import version
from platform import python_version
from typing import Literal

from fastapi import APIRouter, Request, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel

from picosched.engine.engine import Engine
from picosched.engine.interventions import channel_told
from picosched.intervention import CHANNEL_MADE
from picosched.pico.channel import Channel, Policy
from picosched.web.access import COOKIE, Access
from picosched.web.api.needs import AUTHOR, OPEN, READ
from picosched.web.api.shapes import AnEngine, Input
from picosched.web.errors import HttpError
from picosched.web.health import Probes

router = APIRouter(prefix="/api", tags=["server"])
open_router = APIRouter(prefix="/api", tags=["server"])
"""Routes that require no token."""

UI = "web_ui_eci"
MONTH_SECONDS = 30 * 86_400


class Login(Input):
    """The token."""

    token: str


class Health(BaseModel):
    """The process is alive."""

    status: Literal["ok"] = "ok"


class Ready(BaseModel):
    """Whether the server is ready: the store answers in time and the scheduler is running."""

    status: Literal["ready", "not ready"]
    store: bool
    scheduler: bool


class SettingsShape(BaseModel):
    """Settings of the engine, as in its documentation."""

    granularity: int
    min_period: int
    misfire: str
    history_days: int


class Version(BaseModel):
    picosched: str
    python: str


class UiContext(BaseModel):
    """The starting point of the Node engine's pages."""

    version: str
    eci: str


@open_router.get("/health", dependencies=[OPEN])
async def health() -> Health:
    """The process is alive."""
    return Health()


@open_router.get(
    "/ready", dependencies=[OPEN], responses={503: {"model": Ready, "description": "Not ready."}}
)
async def ready(request: Request) -> Response:
    """Whether the store answers within half a second and the scheduler is running."""
    probes: Probes = request.app.state.probes
    found = await probes.ready()
    return JSONResponse(found.as_json(), found.status)


@open_router.post("/session", dependencies=[OPEN], status_code=204)
def log_in(given: Login, request: Request, response: Response) -> None:
    """Exchange the token for a cookie, which scripts cannot read."""
    access: Access = request.app.state.access
    if not access.is_open and not access.knows(given.token):
        raise HttpError(401, "found a token that is not valid")
    remember(response, given.token, request)


@open_router.delete("/session", dependencies=[OPEN], status_code=204)
def log_out(request: Request, response: Response) -> None:
    """Delete the cookie; one that a link gave is not valid any more."""
    access: Access = request.app.state.access
    access.leave(request.headers)
    forget(response)


def remember(response: Response, token: str, request: Request) -> None:
    """Put the token in a cookie that scripts cannot read."""
    response.set_cookie(
        COOKIE,
        token,
        max_age=MONTH_SECONDS,
        httponly=True,
        samesite="strict",
        secure=request.url.scheme == "https",
    )


def forget(response: Response) -> None:
    """Delete the cookie."""
    response.delete_cookie(COOKIE, httponly=True, samesite="strict")


@router.get("/version", dependencies=[READ])
def show_version() -> Version:
    """The version running."""
    return Version(picosched=version("picosched"), python=python_version())


@router.get("/settings", dependencies=[READ])
def show_settings(engine: AnEngine) -> SettingsShape:
    """The settings that affect due times."""
    known = engine.settings
    return SettingsShape(
        granularity=known.granularity,
        min_period=known.min_period,
        misfire=known.misfire,
        history_days=known.history_days,
    )


@open_router.get("/ui-context", dependencies=[AUTHOR])
def ui_context(engine: AnEngine) -> UiContext:
    """A channel of the root pico that may raise and query anything, for the Node engine's pages."""
    return UiContext(version=version("picosched"), eci=ui_eci(engine))


def ui_eci(engine: Engine) -> str:
    """The eci of the root pico's channel for pages, created on first use.

    It may raise and query anything, unlike the channel created by the UI's ruleset.
    """

    def work() -> str:
        picos = engine.store.picos
        known = picos.meta(UI)
        if known is not None and picos.find_channel(known) is not None:
            return known
        root = picos.find_root()
        assert root is not None
        channel = Channel(engine.new_id(), root.id, ("system", "ui"), Policy(), Policy())
        now = engine.now()
        picos.new_channel(channel, now)
        engine.keep(CHANNEL_MADE, now, **channel_told(channel))
        picos.set_meta(UI, channel.eci)
        return channel.eci

    known = engine.read(lambda: engine.store.picos.meta(UI))
    if known is not None and engine.read(lambda: engine.store.picos.find_channel(known)) is not None:
        return known
    return engine.write(work)
