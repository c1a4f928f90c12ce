"""Named tokens: made, listed and revoked."""

from __future__ import annotations

from typing import Literal

from fastapi import APIRouter
from pydantic import BaseModel, Field

from picosched.acting import Role
from picosched.errors import PicoschedError
from picosched.web.api.needs import AUTHOR
from picosched.web.api.shapes import TIME, AnEngine, Input

router = APIRouter(prefix="/api/tokens", tags=["tokens"])


class NewToken(Input):
    """A token to make."""

    name: str = Field(max_length=64, description="Letters, digits and `. _ @ -`.")
    role: Role
    expires: str | None = Field(None, description=f"Default: never. {TIME}")


class TokenShape(BaseModel):
    """What is kept of a token."""

    name: str
    role: Role
    state: Literal["valid", "expired"]
    made: str
    made_by: str
    expires: str | None


class MadeToken(TokenShape):
    """A token that was just made."""

    token: str = Field(description="Told only now.")


@router.get("", dependencies=[AUTHOR])
def list_tokens(engine: AnEngine) -> list[TokenShape]:
    """All named tokens, by name; expired ones too."""
    now = engine.now()
    return [TokenShape(**each.as_json(now)) for each in engine.tokens()]


@router.post("", dependencies=[AUTHOR], status_code=201)
def make_token(new: NewToken, engine: AnEngine) -> MadeToken:
    """Make a token. 409 if its name is taken, 403 if it would outlive the token of the request."""
    token, made = engine.make_token(new.name, new.role, new.expires)
    return MadeToken(**made.as_json(engine.now()), token=token)


@router.delete("/{name}", dependencies=[AUTHOR], status_code=204)
def revoke_token(name: str, engine: AnEngine) -> None:
    """Revoke a token: what it opened ends."""
    if not engine.revoke_token(name):
        raise PicoschedError(f"there is no token {name[:100]}", "not_found")
