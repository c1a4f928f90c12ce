"""Who acts from outside, and what that one may do.

Rules act for themselves, with the rights of their pico. Whoever changes something from outside is an `Actor`:
the surface it came by, and the name and the role of its token. ACTIONS is the one table of what can be done
from outside and which role that takes; the engine looks there before it does it, whatever the surface.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from picosched.errors import PicoschedError

PYTHON, COMMAND_LINE, HTTP, CONSOLE = "Python", "the command line", "HTTP", "the console"
"""The surfaces."""


class Role(StrEnum):
    """What a token is for. Each may do what those before it may."""

    READ = "read"
    OPERATE = "operate"
    AUTHOR = "author"

    def covers(self, other: Role) -> bool:
        """Whether it may do what the other may."""
        return ROLES.index(self) >= ROLES.index(other)


ROLES = (*Role,)

ACTIONS: Mapping[str, Role] = {
    "raised": Role.OPERATE,
    "paused": Role.OPERATE,
    "resumed": Role.OPERATE,
    "moved": Role.OPERATE,
    "rescheduled": Role.OPERATE,
    "cancelled": Role.OPERATE,
    "fired": Role.OPERATE,
    "backfilled": Role.OPERATE,
    "scheduled": Role.OPERATE,
    "retried": Role.OPERATE,
    "dropped": Role.OPERATE,
    "tested": Role.OPERATE,
    "started": Role.OPERATE,
    "stopped": Role.OPERATE,
    "made": Role.AUTHOR,
    "deleted": Role.AUTHOR,
    "installed": Role.AUTHOR,
    "uninstalled": Role.AUTHOR,
    "imported": Role.AUTHOR,
    "exported": Role.AUTHOR,
    "planned": Role.AUTHOR,
    "replayed": Role.AUTHOR,
    "added": Role.AUTHOR,
    "changed": Role.AUTHOR,
    "removed": Role.AUTHOR,
    "revoked": Role.AUTHOR,
}
"""What is done to a schedule, pico, ruleset, channel, delivery, source, alert, window, token or the scheduler
→ its role."""


@dataclass(frozen=True, slots=True)
class Actor:
    """Somebody who acts from outside. Without a name: the owner, or somebody who needs no token."""

    surface: str
    name: str | None = None
    """Of the token; of the command line on a database, the user."""
    role: Role = Role.AUTHOR

    def __str__(self) -> str:
        return self.surface if self.name is None else f'{self.surface} as "{self.name}"'

    @property
    def has_token(self) -> bool:
        """Whether it came with a named token."""
        return self.name is not None and self.surface in (HTTP, CONSOLE)

    def may(self, what: str) -> bool:
        """Whether it may do one of ACTIONS."""
        return self.role.covers(ACTIONS[what])

    def need(self, role: Role, why: str) -> None:
        """`refused`, with the role that is there and the one that is wanted, if it is not covered."""
        if not self.role.covers(role):
            found = f'found the token "{self.name}" with the role {self.role}'
            raise PicoschedError(f"{found}, wanted {role}: {why}", "refused")
