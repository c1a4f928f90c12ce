"""How large a KRL value may be: the bounds that hold where no budget is at hand.

Operators are pure functions of values and see no settings, so what they may build is a bound of the thread,
set before a turn or query begins: a string by its characters, an array or map by eight for each element.
Values share their parts (nothing changes in place), so a few steps can make a tree that would take gigabytes
to write out or walk; whatever walks a
whole value counts what it meets, and how deep.
"""

from __future__ import annotations

import threading

from picosched.errors import KrlError
from picosched.krl.scope import Limits

LARGEST = Limits().max_value_bytes
"""Characters of a string, unless a turn is told otherwise."""
LONGEST = LARGEST // 8
"""What comparing or copying one value may visit."""
DEEPEST = 200
"""Arrays and maps within each other, where a value is walked."""


class Bounds(threading.local):
    """The bounds of what this thread evaluates."""

    text = LARGEST
    array = LONGEST


BOUNDS = Bounds()


def bound(max_value_bytes: int) -> None:
    """Set the bounds of what this thread evaluates from now on."""
    BOUNDS.text, BOUNDS.array = max_value_bytes, max_value_bytes // 8


def check_text(length: float) -> None:
    """Refuse a string of that many characters if it would be too large."""
    if length > BOUNDS.text:
        raise KrlError(
            f"a string would have {length:.0f} characters; the most is {BOUNDS.text}", code="too_large"
        )


def check_array(length: float) -> None:
    """Refuse an array or map of that many elements if it would be too large."""
    if length > BOUNDS.array:
        raise KrlError(
            f"an array or map would have {length:.0f} elements; the most is {BOUNDS.array}", code="too_large"
        )


def too_deep() -> KrlError:
    return KrlError(f"arrays and maps are nested more than {DEEPEST} deep", code="too_large")


def too_much() -> KrlError:
    return KrlError(f"a value is too large: more than {LARGEST} characters written out", code="too_large")
