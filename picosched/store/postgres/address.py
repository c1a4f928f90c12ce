"""Addresses of PostgreSQL databases, and how they are shown: without passwords."""

from __future__ import annotations

SCHEMES = ("postgresql://", "postgres://")
SECRETS = ("password=", "sslpassword=")


def shown(address: str) -> str:
    """The address without its passwords, for messages and logs."""
    head, question, query = address.partition("?")
    scheme, _, rest = head.partition("://")
    user, at, place = rest.rpartition("@")
    told = [each for each in query.split("&") if each and not each.lower().startswith(SECRETS)]
    return f"{scheme}://{user.partition(':')[0]}{at}{place}{question if told else ''}{'&'.join(told)}"
