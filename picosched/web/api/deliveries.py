"""Deliveries: events on their way to other engines, and those given up."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from picosched.errors import PicoschedError
from picosched.web.api.needs import OPERATE, READ
from picosched.web.api.shapes import AnEngine, AnyPico, Limit, Whole, pico_of

router = APIRouter(prefix="/api/deliveries", tags=["deliveries"])


class DeliveryShape(BaseModel):
    """A delivery."""

    id: str = Field(description="The event's id, sent as `Idempotency-Key`.")
    url: str
    attrs: Whole[dict[str, Any]]
    pico: str | None = Field(description="The id of the pico whose rule sent it.")
    rid: str | None
    rule: str | None
    source: str | None = Field(description="The id of the source that sent it.")
    entry: str | None
    nominal: str
    created: str
    due: str | None = Field(description="The next try; null for a dead letter.")
    tries: int = Field(description="Failed tries.")
    error: str | None = Field(description="Why the last try failed.")
    dead: str | None = Field(description="When it was given up.")


@router.get("", dependencies=[READ])
def list_deliveries(
    engine: AnEngine,
    dead: Annotated[bool, Query(description="Dead letters, instead of pending deliveries.")] = False,
    pico: AnyPico = None,
    limit: Limit = 100,
) -> list[DeliveryShape]:
    """Pending deliveries, the next to try first; or dead letters, the oldest first."""
    found = engine.deliveries(dead=dead, pico_id=pico_of(engine, pico), limit=limit)
    return [DeliveryShape(**each.as_json()) for each in found]


@router.get("/{delivery}", dependencies=[READ])
def show_delivery(delivery: str, engine: AnEngine) -> DeliveryShape:
    """A delivery, by its id."""
    return DeliveryShape(**engine.delivery(delivery).as_json())


@router.post("/{delivery}/retry", dependencies=[OPERATE], status_code=204)
def retry_delivery(delivery: str, engine: AnEngine) -> None:
    """Try it now; a dead letter is pending again."""
    if not engine.retry_delivery(delivery):
        raise PicoschedError(f"there is no delivery {delivery}", "not_found")


@router.delete("/{delivery}", dependencies=[OPERATE], status_code=204)
def drop_delivery(delivery: str, engine: AnEngine) -> None:
    """Drop it: it is not sent any more."""
    if not engine.drop_delivery(delivery):
        raise PicoschedError(f"there is no delivery {delivery}", "not_found")
