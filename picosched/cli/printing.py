"""What commands print: JSON, tables, and faults with their line and a caret.

Output is for people unless `--json` asks for more. Colours are Rich's affair, which leaves them out where
`NO_COLOR` is set or nobody sees them. Into a pipe or a file lines are not cut to a terminal's width.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picosched.clock import format_time
from picosched.errors import KrlError, PicoschedError

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

UNBOUND = 10_000
"""The width of what is not a terminal."""


def write(text: str, style: str = "", *, stderr: bool = False) -> None:
    """A line of output, on a terminal in colour; elsewhere exactly as it is, tabs and all."""
    stream = sys.stderr if stderr else sys.stdout
    if style:
        out = console(stderr=stderr)
        if out.is_terminal:
            out.print(text, style=style, markup=False, soft_wrap=True)
            return
    try:
        stream.write(f"{text}\n")
    except UnicodeEncodeError:  # an output that has no such character gets its number
        stream.write(text.encode(stream.encoding, "backslashreplace").decode(stream.encoding) + "\n")


def write_json(value: Any) -> None:
    """A line of JSON; where the output has not all characters, those are escaped, as JSON may be."""
    from picosched.krl.text import tree_text

    text = tree_text(value)
    try:
        sys.stdout.write(f"{text}\n")
    except UnicodeEncodeError:
        import json

        sys.stdout.write(f"{json.dumps(value)}\n")


def console(*, stderr: bool = False) -> Console:
    """Rich's console, without its guesses at what in a text is a number or a path."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False, emoji=False)
    if not made.is_terminal:
        made.width = UNBOUND
    return made


def write_table(columns: Sequence[str], lines: Iterable[Sequence[str]]) -> None:
    """A table with a heading for each column."""
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for line in lines:
        table.add_row(*map(Text, line))
    console().print(table)


def shown_time(time: datetime | None) -> str:
    return "–" if time is None else format_time(time)


def json_time(time: datetime | None) -> str | None:
    return None if time is None else format_time(time)


def show_error(error: PicoschedError, source: str | None = None) -> None:
    """A fault on stderr, with its line and a caret if its text is at hand: `source`, or the file it names."""
    for each in (error, *(error.others if isinstance(error, KrlError) else ())):
        write_rendered(f"error: {rendered(each, source)}", "red", stderr=True)


def write_rendered(text: str, colour: str, *, stderr: bool = False) -> None:
    """What `rendered` gave, with the message and the caret in colour."""
    for number, line in enumerate(text.split("\n")):
        write(line, colour if number == 0 or not line.strip("\t ^") else "", stderr=stderr)


def rendered(error: PicoschedError, source: str | None = None) -> str:
    """The fault in words, with its line and a caret if there is a text to show.

    What ran is shown as it is installed: its file may hold another text by now.
    """
    if not isinstance(error, KrlError):
        return str(error)
    if source is None:
        source = error.text
    if source is None and error.span is not None:
        source = _text_of(error.span.file)
    return error.render(source)


def _text_of(file: str) -> str | None:
    try:
        return Path(file).read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        return None
