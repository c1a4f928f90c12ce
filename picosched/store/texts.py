"""Reads the statements of a database from the files `*.sql` of its folder.

A statement begins with a line `-- name: NAME` and ends at the next one.
"""

from __future__ import annotations

import re
from pathlib import Path

NAME = re.compile(r"^-- name: (\w+)\n", re.MULTILINE)
COMMENT = re.compile(r"^--.*\n", re.MULTILINE)


def texts_of(folder: Path) -> dict[str, str]:
    """Name → text of all statements in a folder, with their fragments still unfilled."""
    found: dict[str, str] = {}
    for file in sorted(folder.glob("*.sql")):
        _, *parts = NAME.split(file.read_text(encoding="utf-8"))
        for name, text in zip(parts[::2], parts[1::2], strict=True):
            assert name not in found, f"there are two statements {name}"
            found[name] = COMMENT.sub("", text).strip()
    return found
