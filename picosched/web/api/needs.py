"""What each route needs, declared at the route: `dependencies=[OPERATE]`.

`tests/web/test_roles.py` walks all routes, so that none is left undeclared.
"""

from __future__ import annotations

from fastapi import Depends, Request
from fastapi.routing import APIRoute

from picosched.acting import Role
from picosched.web.caller import caller


class Needs:
    """Refuses callers without a role, with 403; None needs no token."""

    def __init__(self, role: Role | None) -> None:
        self.role = role

    async def __call__(self, request: Request) -> None:
        if self.role is not None:
            caller().actor.need(
                self.role, f"{request.method} {request.scope['route'].path} is for that role and those above"
            )


OPEN, READ = Depends(Needs(None)), Depends(Needs(Role.READ))
OPERATE, AUTHOR = Depends(Needs(Role.OPERATE)), Depends(Needs(Role.AUTHOR))


def declared(route: APIRoute) -> list[Role | None]:
    """What a route declares: one role, or None."""
    calls = [each.dependency for each in route.dependencies]
    return [each.role for each in calls if isinstance(each, Needs)]
