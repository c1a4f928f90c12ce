"""`H` in cron text: a value drawn from the id of what is scheduled, so that not all is due in one minute.

| item | |
|---|---|
| `H` | one value of the field; of days of the month, 1 to 28, which every month has |
| `H(0-29)` | one value of the range |
| `H/15` | every 15th, from a value below the 15th of the field |
| `H(0-29)/10` | the same within the range |

The same id gives the same values, and different fields are drawn independently. They are written into the
text, so lists show `17 4 * * *` for `H H * * *`.
"""

from __future__ import annotations

import re
from hashlib import blake2b

from picosched.timespec.cron import DAY_OF_MONTH, DAY_OF_WEEK, KINDS, YEAR, Kind
from picosched.timespec.place import Place

RANGE = re.compile(r"(?<![\w])H\([0-9]+-[0-9]+\)", re.IGNORECASE | re.ASCII)
"""What has parentheses that are no operators."""

_ITEM = re.compile(
    r"(?<![^\s,])H(?:\(([0-9]{1,4})-([0-9]{1,4})\))?(?:/([0-9]{1,4}))?(?![^\s,])", re.IGNORECASE
)
_LIKE = re.compile(r"(?<![^\s,])H(?=[\s,/(]|$)", re.IGNORECASE)
_FIELD = re.compile(r"\S+", re.ASCII)


def is_hashed(text: str) -> bool:
    """Whether a text is cron text with an `H`."""
    return bool(_LIKE.search(text)) and len(text.split()) in KINDS


def drawn(text: str, place: Place, id: str) -> str:
    """The text with values for each `H`. PicoschedError `invalid` for one that is written wrongly."""
    written = []
    for kind, field in zip(KINDS[len(text.split())], _FIELD.finditer(text), strict=True):
        items, at = [], field.start()
        for item in field[0].split(","):
            items.append(_drawn(kind, item, place.on(at), id) if _LIKE.match(item) else item)
            at += len(item) + 1
        written.append(",".join(items))
    return " ".join(written)


def _drawn(kind: Kind, item: str, place: Place, id: str) -> str:
    match = _ITEM.fullmatch(item)
    if match is None or kind is YEAR:
        raise place.fault(item, "H, H/15, H(0-29) or H(0-29)/10, of no year", 0, kind.name)
    top = {DAY_OF_MONTH: 28, DAY_OF_WEEK: 6}.get(kind, kind.high)
    low, high = int(match[1] or kind.low), int(match[2] or top)
    if not kind.low <= low <= high <= kind.high:
        raise place.fault(
            item, f"a range within {kind.low} to {kind.high}, the lower end first", 0, kind.name
        )
    step = int(match[3] or 0)
    if match[3] and not 1 <= step <= high - low + 1:
        raise place.fault(item, f"a step of 1 to {high - low + 1}", 0, kind.name)
    number = int.from_bytes(blake2b(f"{kind.name} {id}".encode(), digest_size=8).digest())
    first = low + number % (step or high - low + 1)
    return f"{first}-{high}/{step}" if step else str(first)
