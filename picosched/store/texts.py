"""Reads the statements of a database from the files `*.sql` of its folder, and puts conditions into them.

A statement begins with a line `-- name: NAME` and ends at the next one. `sqlite/statements.py` explains what
stands in its text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

Parts = tuple[str, ...]
"""Conditions that must all hold, with one question mark for each value; the same texts for one shape."""

OWNER = "$owner"
"""In a condition: stands for the column that the statement names."""

NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
COMMENT = re.compile(r"^--.*\n", re.MULTILINE)


def texts_of(files: Iterable[Path]) -> dict[str, str]:
    """Name → text of all statements in files, with their fragments still unfilled."""
    found: dict[str, str] = {}
    for file in sorted(files):
        _, *parts = NAME.split(file.read_text(encoding="utf-8"))
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            assert name not in found, f"there are two statements {name}"
            found[name] = COMMENT.sub("", text).strip()
    return found


class WhereText:
    """The text of `{where}` and `{where:COLUMN}`, its values numbered from `first`, as in ?1 or $1."""

    def __init__(self, parts: Parts, first: int, mark: str) -> None:
        numbers = count(first)
        numbered = (re.sub(r"\?", lambda _: f"{mark}{next(numbers)}", part) for part in parts)
        self._text = "".join(f" AND {part}" for part in numbered)

    def __format__(self, column: str) -> str:
        return self._text.replace(OWNER, column)


def with_conditions(
    text: str, fragments: Mapping[str, Any], shapes: tuple[Parts, ...], own: int, mark: str
) -> str:
    """A statement with conditions, one or several; `own` is how many values of its own it has."""
    wheres, first = list[WhereText](), own + 1
    for parts in shapes:
        wheres.append(WhereText(parts, first, mark))
        first += sum(part.count("?") for part in parts)
    return text.format_map({**fragments, "where": wheres[0] if len(wheres) == 1 else wheres})
