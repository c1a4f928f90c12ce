"""The page that explains the codes: `docs/checks.md`, included in the package as `checks.md`."""

from __future__ import annotations

import re
from pathlib import Path
from textwrap import indent

from picosched.check.finding import CODES
from picosched.errors import PicoschedError

PAGE = Path(__file__).with_name("checks.md")


def explanation(code: str) -> str:
    """The page's section for a code. PicoschedError `not_found` for an unknown code."""
    code = code.upper()
    if code not in CODES:
        raise PicoschedError(f"there is no code {code}; there are {', '.join(CODES)}", "not_found")
    page = PAGE.read_text(encoding="utf-8")
    found = re.search(rf"^### ({code} .*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL)
    assert found is not None, f"{PAGE} has no section {code}"
    return plain(found[1].strip())


def plain(text: str) -> str:
    """Markdown for a terminal: examples are indented."""
    parts = re.split(r"^```[^\n]*\n(.*?)^```$", text, flags=re.MULTILINE | re.DOTALL)
    return "".join(indent(part, "    ").rstrip() if place % 2 else part for place, part in enumerate(parts))
