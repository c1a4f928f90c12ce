"""Backups of the database, and export and import of a pico."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from picosched.krl.text import tree_text
from picosched.store.copying import copy_to
from picosched.store.opening import is_server
from picosched.web.api.needs import AUTHOR
from picosched.web.api.picos import shape_of
from picosched.web.api.shapes import AnEngine, Input, PicoShape, load
from picosched.web.left_over import prefix_of

router = APIRouter(prefix="/api", tags=["copies"])

CHUNK = 1 << 18


class Arriving(Input):
    """An exported pico to import."""

    document: dict[str, Any]
    parent: str | None = Field(None, description="By name or id. Default: the root.")
    name: str | None = Field(None, max_length=200, description="Default: its old name.")
    keep_ecis: bool = Field(False, description="Keep the ecis of its channels.")


@router.get(
    "/backup",
    dependencies=[AUTHOR],
    response_class=StreamingResponse,
    responses={200: {"content": {"application/vnd.sqlite3": {}}, "description": "The copy."}},
)
def back_up(engine: AnEngine) -> StreamingResponse:
    """A complete, consistent copy of the database."""
    engine.write(engine.note, "exported", "database", engine.store.name)
    place = Path(engine.store.name).absolute()
    # In the database's folder, where there is likely enough space.
    beside = None if is_server(engine.store.address) else place.parent
    folder = tempfile.TemporaryDirectory(dir=beside, prefix=prefix_of(place))
    file = Path(folder.name) / "picos.db"
    try:
        copy_to(engine.store.address, file)
    except BaseException:
        folder.cleanup()
        raise

    def told() -> Iterator[bytes]:
        with folder, file.open("rb") as copy:
            while chunk := copy.read(CHUNK):
                yield chunk

    headers = {"content-length": str(file.stat().st_size)}
    return StreamingResponse(told(), media_type="application/vnd.sqlite3", headers=headers)


@router.get("/picos/{pico}/export", dependencies=[AUTHOR], response_model=dict[str, Any])
def export(pico: str, engine: AnEngine, history: bool = False) -> Response:
    """A pico as one document; with its fires and its journal if `history` is wanted."""
    found = load(engine, pico)
    engine.write(engine.note, "exported", "pico", found.id, found.name)
    document = engine.export_pico(found.id, history=history)
    return Response(tree_text(document), media_type="application/json")


@router.post("/picos/import", dependencies=[AUTHOR], status_code=201)
def arrive(arriving: Arriving, engine: AnEngine) -> PicoShape:
    """Create a pico from an exported document, completely or not at all."""
    parent = None if arriving.parent is None else load(engine, arriving.parent)
    pico = engine.import_pico(arriving.document, parent, arriving.name, keep_ecis=arriving.keep_ecis)
    return shape_of(pico)
