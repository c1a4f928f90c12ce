"""A finding: something in a database that does not fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from picosched.errors import shortened

MOST_OF_A_KIND = 100
"""Findings of one kind that are told; one look is enough to see that there are many."""

LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found where, and what was wanted there."""

    table: str
    """"" for the file as a whole."""
    row: str
    """Its key, as `id 5f…`; "" for the table as a whole."""
    found: str
    wanted: str

    def __str__(self) -> str:
        place = ", ".join(part for part in (self.table, self.row) if part) or "the file"
        return f"{place}: found {self.found}, wanted {self.wanted}"


def key(columns: Sequence[str], values: Sequence[Any]) -> str:
    """A row by its key."""
    return ", ".join(f"{column} {shown(value)}" for column, value in zip(columns, values, strict=False))


def shown(value: Any) -> str:
    """A value in a line of text."""
    if value is None:
        return "nothing"
    text = str(value).encode("utf-8", "replace").decode().replace("\n", " ")
    return shortened(text, LONGEST_SHOWN)
