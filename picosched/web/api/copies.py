"""Copies: of the whole database, and of one pico to put elsewhere."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from glob import escape
from pathlib import Path
from shutil import rmtree
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from picosched.engine.engine import Engine
from picosched.krl.text import tree_text
from picosched.store.copying import copy_to
from picosched.web.api.picos import shape_of
from picosched.web.api.shapes import AnEngine, Input, PicoShape, load

router = APIRouter(prefix="/api", tags=["copies"])

CHUNK = 1 << 18


class Arriving(Input):
    """A pico to put here: what an export gave."""

    document: dict[str, Any]
    parent: str | None = Field(None, description="By name or id; the root without it.")
    name: str | None = Field(None, max_length=200, description="Without it: the one it had.")
    keep_ecis: bool = Field(False, description="Give its channels the ecis they had.")


@router.get(
    "/backup",
    response_class=StreamingResponse,
    responses={200: {"content": {"application/vnd.sqlite3": {}}, "description": "The copy."}},
)
def back_up(engine: AnEngine) -> StreamingResponse:
    """A copy of the database, whole and of one moment: a file that picosched opens."""
    place = Path(engine.store.name).absolute()
    # Beside the database, where there is room for its like.
    folder = tempfile.TemporaryDirectory(dir=place.parent, prefix=_prefix(place))
    file = Path(folder.name) / "picos.db"
    try:
        copy_to(engine.store.name, file)
    except BaseException:
        folder.cleanup()
        raise

    def told() -> Iterator[bytes]:
        with folder, file.open("rb") as copy:
            while chunk := copy.read(CHUNK):
                yield chunk

    headers = {"content-length": str(file.stat().st_size)}
    return StreamingResponse(told(), media_type="application/vnd.sqlite3", headers=headers)


def remove_left_over(engine: Engine) -> None:
    """Remove the copies that an earlier server was making when it was killed. The database must be ours."""
    place = Path(engine.store.name).absolute()
    for folder in place.parent.glob(f"{escape(_prefix(place))}*"):
        rmtree(folder, ignore_errors=True)


def _prefix(database: Path) -> str:
    """How the folders begin in which copies of a database are made."""
    return f".{database.name}.backup-"


@router.get("/picos/{pico}/export", response_model=dict[str, Any])
def export(pico: str, engine: AnEngine, history: bool = False) -> Response:
    """A pico as one document; with its fires and its journal if `history` is wanted."""
    document = engine.export_pico(load(engine, pico).id, history=history)
    return Response(tree_text(document), media_type="application/json")


@router.post("/picos/import", status_code=201)
def arrive(arriving: Arriving, engine: AnEngine) -> PicoShape:
    """Make a pico of an exported document, all of it or nothing."""
    parent = None if arriving.parent is None else load(engine, arriving.parent)
    pico = engine.import_pico(arriving.document, parent, arriving.name, keep_ecis=arriving.keep_ecis)
    return shape_of(pico)
