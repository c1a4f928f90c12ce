"""The cost of work, and the maximum size of values.

Operators are pure functions of values and are given no budget: that of the turn at hand is the thread's, set
while the turn or query is evaluated. This file is the price list. Whatever looks at more than a few
characters or elements says so here, before it does: `scan` and `code` for texts, `visit` for elements,
`claim_text`, `claim_array` and `claim_map` for what it will build. A walk through a value says it at each
array and map it comes to. So a value of shared parts, which a few steps can make and which would take
gigabytes to write out, ends the rule and not the process.

Up to SMALL characters a text is free: the step of the code that handles it pays for it.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from picosched.errors import KrlError
from picosched.krl.budget import Budget, Limits

LARGEST = Limits().max_value_bytes
"""Characters of a string, unless the settings say otherwise."""
LONGEST = LARGEST // 8
"""Elements of an array or map, likewise."""
DEEPEST = 200
"""Nesting depth of arrays and maps, when a value is walked."""
SMALL = 16


class Bounds(threading.local):
    """The budget of this thread's current evaluation."""

    budget = Budget.without_end()


BOUNDS = Bounds()


@contextmanager
def spending(budget: Budget) -> Iterator[None]:
    """Charge this budget for the evaluation inside the block."""
    before, BOUNDS.budget = BOUNDS.budget, budget
    try:
        yield
    finally:
        BOUNDS.budget = before


def charge(steps: int) -> None:
    """Charge for work without a size."""
    budget = BOUNDS.budget
    budget.steps -= steps
    if budget.steps < 0:
        budget.spent()


def scan(characters: int) -> None:
    """Charge for C code that processes each character once: comparing, digests, changing case."""
    if characters > SMALL:
        charge(characters >> 6)


def code(characters: int) -> None:
    """Charge for encoding or decoding characters: JSON, CSV, base64, %XX."""
    if characters > SMALL:
        charge(characters >> 3)


def visit(elements: int) -> None:
    """Charge for visiting each element once."""
    charge(elements >> 1)


def claim_text(length: int, plain: bool = False) -> None:
    """Charge for creating a string of that many characters; refuse it if it would be too large.

    Python keeps a character in a byte if all of the string are `plain` ASCII, else in up to four.
    """
    budget = BOUNDS.budget
    if length > budget.text:
        check_text(length)
    size = length if plain else 4 * length
    budget.steps -= size >> 8
    budget.built -= size
    if budget.steps < 0 or budget.built < 0:
        budget.spent()


def claim_array(length: int, work: int = 0) -> None:
    """Charge for creating an array of that many elements, and for other `work`; refuse it if it is too
    large."""
    budget = BOUNDS.budget
    if length > budget.array:
        check_array(length)
    budget.steps -= 2 + (length >> 6) + work
    budget.built -= 56 + 8 * length
    if budget.steps < 0 or budget.built < 0:
        budget.spent()


def claim_map(length: int, work: int = 0) -> None:
    """Charge for creating a map of that many elements, and for other `work`; refuse it if it is too large."""
    budget = BOUNDS.budget
    if length > budget.array:
        check_array(length)
    budget.steps -= 3 + (length >> 4) + work
    budget.built -= 200 + 48 * length
    if budget.steps < 0 or budget.built < 0:
        budget.spent()


def claim_texts(length: int, characters: int) -> None:
    """Charge for an array of that many strings with `characters` in total."""
    claim_array(length, (length >> 1) + (characters >> 9))
    claim_bytes(56 * length + 4 * characters)


def check_text(length: int) -> None:
    """Refuse a string of that many characters if it would be too large."""
    if length > BOUNDS.budget.text:
        raise KrlError(
            f"a string would have {length} characters; the most is {BOUNDS.budget.text} (max_value_bytes)",
            code="too_large",
        )


def check_array(length: float) -> None:
    """Refuse an array or map of that many elements if it would be too large."""
    if length > BOUNDS.budget.array:
        raise KrlError(
            f"an array or map would have {length:.0f} elements; "
            f"the most is {BOUNDS.budget.array} (max_value_bytes / 8)",
            code="too_large",
        )


def size_of(value: object) -> int:
    """The bytes charged for a value, without those of its elements."""
    if isinstance(value, str):
        return len(value) if value.isascii() else 4 * len(value)
    if isinstance(value, list):
        return 56 + 8 * len(value)
    return 200 + 48 * len(value) if isinstance(value, dict) else 0


def claim_bytes(size: int) -> None:
    """Charge for any other memory."""
    BOUNDS.budget.build(size)


def too_deep() -> KrlError:
    return KrlError(f"arrays and maps are nested more than {DEEPEST} deep", code="too_large")


def too_much() -> KrlError:
    return KrlError(
        f"a value is too large: more than {BOUNDS.budget.text} bytes written out (max_value_bytes)",
        code="too_large",
    )
