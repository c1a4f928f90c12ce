"""The processes that work on one database."""

from __future__ import annotations

from fastapi import APIRouter
from pydantic import BaseModel, Field

from picosched.web.api.needs import READ
from picosched.web.api.shapes import AnEngine

router = APIRouter(prefix="/api/machines", tags=["machines"])


class MachineShape(BaseModel):
    """A server or worker."""

    id: str
    name: str = Field(description="Its process and host, for people.")
    host: str
    address: str | None = Field(description="The URL of its server.")
    started: str
    silent: int = Field(description="Milliseconds since its last heartbeat.")
    raised: int = Field(description="Events raised since it started.")
    lag: int = Field(description="Milliseconds for which the first of its due events had been waiting.")
    leaving: bool = Field(description="Whether it is stopping in order, and about to let its shards go.")
    alive: bool = Field(description="Whether it has its session with the database.")
    shards: list[int]
    state: str = Field(
        description="up, leaving, silent, gone (without its session) or idle (without shards)."
    )


@router.get("", dependencies=[READ])
def list_machines(engine: AnEngine) -> list[MachineShape]:
    """The servers and workers of the database, the oldest first; none if this one has it to itself."""
    return [MachineShape(**each.as_json()) for each in engine.machines()]
