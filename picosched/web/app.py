"""The FastAPI app: our own routes, the first page, and the console.

`site.Site` has already checked access and read the body within its limits. All errors have the form
`{"error": text}`. The server imports this module when the first request needs it (`late`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from importlib.util import find_spec
from typing import Any, get_args

from fastapi import Depends, FastAPI, Request, Response
from fastapi.dependencies.models import Dependant
from fastapi.exceptions import RequestValidationError
from fastapi.openapi.utils import get_openapi
from fastapi.responses import HTMLResponse
from pydantic import BaseModel
from starlette.exceptions import HTTPException
from starlette.routing import BaseRoute, Match, Mount

from picosched.engine.engine import Engine
from picosched.errors import PicoschedError
from picosched.krl.library import near
from picosched.krl.values import shown
from picosched.web.access import Access
from picosched.web.api import (
    alerts,
    audit,
    copies,
    deliveries,
    forecast,
    journal,
    machines,
    picos,
    plan,
    replay,
    rulesets,
    scheduler,
    schedules,
    session,
    sources,
    times,
    tokens,
    windows,
)
from picosched.web.api.shapes import ErrorShape
from picosched.web.ecis import WithoutEcis
from picosched.web.errors import HttpError, body_of, status_of
from picosched.web.health import Probes
from picosched.web.late import Late
from picosched.web.request import headers_of, kind_of

FAULTS: dict[int | str, dict[str, Any]] = {
    400: {"model": ErrorShape, "description": "The request is invalid."},
    401: {"model": ErrorShape, "description": "No token, or a wrong one."},
    403: {"model": ErrorShape, "description": "Refused."},
    404: {"model": ErrorShape, "description": "Not found."},
    409: {"model": ErrorShape, "description": "Conflict with the current state."},
    413: {"model": ErrorShape, "description": "Too large."},
    503: {"model": ErrorShape, "description": "Overloaded."},
}

FIRST_PAGE = """<!doctype html><html lang="en"><meta charset="utf-8"><title>picosched</title>
<body><h1>picosched</h1><p>It runs.</p><ul>
<li><a href="/api/openapi.json">the API</a></li><li><a href="/metrics">metrics</a></li>
<li><a href="/ready">ready?</a></li></ul></body></html>"""


def new_app(
    engine: Engine,
    access: Access,
    probes: Probes,
    stopping: asyncio.Event,
    *,
    console: Late | None = None,
) -> FastAPI:
    """The app on an engine. Its streams end when `stopping` is set. All paths that are not its own belong to
    the console, if there is one."""
    app = FastAPI(
        title="picosched",
        version=version("picosched"),
        summary="A rules engine with a scheduler.",
        openapi_url="/api/openapi.json",
        docs_url=None,  # that page loads scripts from other servers
        redoc_url=None,
        separate_input_output_schemas=False,
    )
    app.state.engine, app.state.access = engine, access
    app.state.probes, app.state.stopping = probes, stopping
    app.state.following = journal.Following()
    parts = (
        picos,
        rulesets,
        schedules,
        forecast,
        scheduler,
        sources,
        deliveries,
        alerts,
        windows,
        journal,
        times,
        session,
        copies,
        machines,
        plan,
        replay,
        tokens,
        audit,
    )
    for part in parts:
        app.include_router(part.router, responses=FAULTS, dependencies=[Depends(_check_query)])
    app.include_router(session.open_router, responses=FAULTS, dependencies=[Depends(_check_query)])
    _add_faults(app, [route for part in parts for route in part.router.routes])
    app.add_middleware(WithoutEcis, engine=engine, under="/api")
    app.openapi = lambda: _openapi(app)  # type: ignore[method-assign]
    if console is None:
        app.add_api_route("/", _first_page, include_in_schema=False)
    else:
        app.router.routes.append(_Rest("", console))
    return app


def new_console(engine: Engine, access: Access) -> FastAPI:
    """The console as an app of its own; NiceGUI allows one per process."""
    from picosched.web.console import open_console  # late, as the module `late` explains

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    _add_faults(app)
    open_console(app, engine, access)
    return app


def has_console() -> bool:
    """Whether NiceGUI is installed, which is not imported to find out."""
    return find_spec("nicegui") is not None


class _Rest(Mount):
    """All paths except the API's, where an unknown path or method is answered in JSON."""

    def matches(self, scope: Any) -> tuple[Match, Any]:
        if scope["type"] == "http" and scope["path"].startswith("/api"):
            return Match.NONE, {}
        return super().matches(scope)


def _first_page() -> Response:
    return HTMLResponse(FIRST_PAGE)


def _add_faults(app: FastAPI, routes: Sequence[BaseRoute] = ()) -> None:
    """Answer faults in JSON; `routes` are those of which a refused method tells the others."""

    async def of_ours(request: Request, error: Exception) -> Response:
        assert isinstance(error, PicoschedError | HttpError)
        headers = {name.decode(): value.decode() for name, value in getattr(error, "headers", ())}
        return Response(body_of(error), status_of(error), headers, "application/json")

    async def of_values(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        found = kind_of(headers_of(request.scope))
        names = _names_in_body(request)
        told = "; ".join(_told(each, found, names) for each in error.errors()[:5])
        return Response(body_of(HttpError(400, told)), 400, media_type="application/json")

    async def of_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        path = request.url.path
        text = f"found {request.method} {path}: {error.detail}"
        if error.status_code == 404:
            text = f"there is nothing at {path}"
        elif error.status_code == 405:
            text = f"found {request.method} for {path}, wanted {_methods(routes, request)}"
        return Response(
            body_of(HttpError(error.status_code, text)),
            error.status_code,
            dict(error.headers or {}),
            "application/json",
        )

    async def of_anything(request: Request, error: Exception) -> Response:
        told = PicoschedError(f"picosched failed: {type(error).__name__}", "internal")
        return Response(body_of(told), 500, media_type="application/json")

    app.add_exception_handler(Exception, of_anything)
    app.add_exception_handler(PicoschedError, of_ours)
    app.add_exception_handler(HttpError, of_ours)
    app.add_exception_handler(RequestValidationError, of_values)
    app.add_exception_handler(HTTPException, of_http)


def _methods(routes: Sequence[BaseRoute], request: Request) -> str:
    """The methods that the path of a request has."""
    matching = [each for each in routes if each.matches(request.scope)[0] is not Match.NONE]
    found = {method for each in matching for method in getattr(each, "methods", ())}
    return " or ".join(sorted(found)) or "another method"


def _names_in_body(request: Request) -> dict[str, str]:
    """The names that the body of a request may have, by those of the same in Python."""
    field = getattr(request.scope.get("route"), "body_field", None)
    given = None if field is None else field.field_info.annotation
    models = [each for each in (given, *get_args(given)) if isinstance(each, type)]
    fields = next((each.model_fields for each in models if issubclass(each, BaseModel)), {})
    return {name: each.alias or name for name, each in fields.items()}


def _told(fault: dict[str, Any], kind: str, names: dict[str, str]) -> str:
    """Describe an invalid value: where it is, what was found and what is wrong.

    A body whose `kind` is not JSON was not parsed at all; one that is may have these `names`.
    """
    where, value = ".".join(str(each) for each in fault["loc"]), fault.get("input")
    if where == "body" and isinstance(value, str | bytes) and kind != "application/json":
        return f"body: found the type {kind or '(none)'}, wanted application/json"
    if fault["type"] == "missing":
        return f"found no {where.partition('.')[2] or 'body'} in the {fault['loc'][0]}, wanted one"
    found = f"found {shown(value)}, " if isinstance(value, str | int | float | list) else ""
    if fault["type"] == "extra_forbidden" and len(fault["loc"]) == 2 and names:
        name, known = fault["loc"][1], [*names.values()]
        meant = [names[name]] if name in names else near(name, known)
        wanted = f"did you mean {meant[0]}?" if meant else f"wanted some of {', '.join(known)}"
        return f"found {name} in the body, {wanted}"
    if fault["type"] == "extra_forbidden":
        return f"{where}: {found}wanted no such name"
    message = fault["msg"].replace("Input should be ", "wanted ", 1)
    return f"{where}: {found}{message[:1].lower()}{message[1:]}"


def _parameters(dependant: Dependant) -> Iterator[str]:
    """The query parameters of a route."""
    yield from (each.alias for each in dependant.query_params)
    for other in dependant.dependencies:
        yield from _parameters(other)


def _check_query(request: Request) -> None:
    """400 for an unknown query parameter, which would otherwise be ignored."""
    if not request.query_params:
        return
    known = [*_parameters(request.scope["route"].dependant)]
    for name in request.query_params:
        if name not in known:
            wanted = f"wanted some of {', '.join(known)}" if known else "wanted none here"
            raise HttpError(400, f"found the parameter {shown(name)}, {wanted}")


def _openapi(app: FastAPI) -> dict[str, Any]:
    """The schema, with 400 instead of FastAPI's 422, and the token as security scheme."""
    if app.openapi_schema is None:
        schema = get_openapi(title=app.title, version=app.version, summary=app.summary, routes=app.routes)
        for operations in schema["paths"].values():
            for operation in operations.values():
                operation["responses"].pop("422", None)
        for name in ("HTTPValidationError", "ValidationError"):
            schema["components"]["schemas"].pop(name, None)
        schema["components"]["securitySchemes"] = {
            "token": {"type": "http", "scheme": "bearer"},
            "console": {"type": "apiKey", "in": "cookie", "name": "picosched"},
        }
        schema["security"] = [{"token": []}, {"console": []}]
        app.openapi_schema = schema
    return app.openapi_schema
