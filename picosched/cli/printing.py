"""Output of commands: JSON, tables, and errors with their source line and a caret.

Output is for people unless `--json` is given. Rich handles colours, and omits them if `NO_COLOR` is set or
the output is not a terminal. Lines in a pipe or file are not cut to a terminal's width.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Collection, Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from picosched.clock import format_time
from picosched.errors import KrlError, PicoschedError

if TYPE_CHECKING:
    from datetime import datetime

    from rich.console import Console

UNBOUND = 10_000
"""The width used when the output is not a terminal."""

FOLDED = 12
"""Characters of a column that continues on further lines, at least."""

GAP = 2
"""Characters between two columns."""


CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ud800-\udfff]|\r(?!\n)")
"""Characters by which a name or an attribute could move the cursor of a terminal, or rename its window; and
halves of characters, which no output can encode."""


def without_control(text: str) -> str:
    """A text for a terminal: its control characters as escapes, but for tabs and ends of lines."""
    return CONTROL.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    code = ord(found[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


def write(text: str, style: str = "", *, stderr: bool = False) -> None:
    """Write a line, on a terminal in colour and without control characters; otherwise unchanged."""
    stream = sys.stderr if stderr else sys.stdout
    if style:
        out = console(stderr=stderr)
        if out.is_terminal:
            out.print(without_control(text), style=style, markup=False, soft_wrap=True)
            return
    if stream.isatty():
        text = without_control(text)
    try:
        stream.write(f"{text}\n")
    except UnicodeEncodeError:  # escape characters the output cannot encode
        stream.write(text.encode(stream.encoding, "backslashreplace").decode(stream.encoding) + "\n")


def write_marks(line: str, colours: Mapping[str, str]) -> None:
    """Write a line, on a terminal with each character in its colour, if it has one."""
    if _is_piped():
        write(line)
        return
    from rich.text import Text

    text = Text(line)
    for at, mark in enumerate(line):
        if mark in colours:
            text.stylize(colours[mark], at, at + 1)
    console().print(text, soft_wrap=True)


def write_json(value: Any) -> None:
    """Write a line of JSON; characters the output cannot encode become JSON escapes."""
    from picosched.krl.text import tree_text

    text = tree_text(value)
    try:
        sys.stdout.write(f"{text}\n")
    except UnicodeEncodeError:
        import json

        sys.stdout.write(f"{json.dumps(value)}\n")


def console(*, stderr: bool = False) -> Console:
    """Rich's console, without automatic highlighting of numbers and paths."""
    from rich.console import Console

    made = Console(stderr=stderr, highlight=False, emoji=False)
    if not made.is_terminal:
        made.width = UNBOUND
    return made


def write_table(
    columns: Sequence[str], lines: Iterable[Sequence[str]], folding: Collection[str] = ()
) -> None:
    """A table with a heading for each column.

    Nothing is left out, however narrow the terminal is: the columns named in `folding` continue on further
    lines, and ids, times and addresses stay whole, so that they can be copied. If these alone are wider than
    the terminal, it breaks the lines.
    """
    lines = [[*map(without_control, line)] for line in lines]
    if _is_piped() and all(_is_narrow(text) for line in (columns, *lines) for text in line):
        _write_columns([columns, *lines])
        return
    from rich.cells import cell_len
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, header_style="bold")
    out = console()
    least = GAP * (len(columns) - 1)
    for name, *cells in zip(columns, *lines, strict=True):
        folds = name in folding
        wide = max(map(cell_len, (name, *cells)))
        narrow = min(wide, FOLDED) if folds else wide
        table.add_column(name, overflow="fold", no_wrap=not folds, min_width=narrow)
        least += narrow
    for line in lines:
        table.add_row(*map(Text, line))
    out.width = max(out.width, least)
    out.print(table)


def _is_piped() -> bool:
    """Whether Rich would find no terminal; it decides by more than the stream only if one of these is set."""
    said = ("FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE")
    return not sys.stdout.isatty() and not any(name in os.environ for name in said)


def _is_narrow(text: str) -> bool:
    """Whether each character surely takes one column."""
    plain = text.replace("–", "").replace("…", "")
    return plain.isascii() and plain.isprintable()


def _write_columns(lines: Sequence[Sequence[str]]) -> None:
    """A table as Rich writes it where it neither cuts nor colours, but without importing Rich, which is slow.

    Only Rich knows the widths of characters that are not narrow.
    """
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        write("  ".join(f"{text:<{width}}" for text, width in zip(line, widths, strict=True)))


def shown_time(time: datetime | None) -> str:
    return "–" if time is None else format_time(time)


def json_time(time: datetime | None) -> str | None:
    return None if time is None else format_time(time)


def show_error(error: PicoschedError, source: str | None = None, *, of: str | None = None) -> None:
    """Print an error to stderr, with its source line and a caret if the text is available: `source`, or its
    file. `of` is the rule that failed, as `rid.rule`."""
    begin = "error: " if of is None else f"error: {of}: "
    for each in (error, *(error.others if isinstance(error, KrlError) else ())):
        write_rendered(f"{begin}{rendered(each, source)}", "red", stderr=True)


def write_rendered(text: str, colour: str, *, stderr: bool = False) -> None:
    """Write the output of `rendered`, with the message and the caret in colour."""
    for number, line in enumerate(text.split("\n")):
        write(line, colour if number == 0 or not line.strip("\t ^") else "", stderr=stderr)


def rendered(error: PicoschedError, source: str | None = None, *, files: bool = True) -> str:
    """The error message, with its source line and a caret if the text is available.

    Runtime errors show the installed text, because the file may have changed since. Without `files` none is
    read: whoever wrote the text says what its file is called.
    """
    if not isinstance(error, KrlError):
        return str(error)
    if source is None:
        source = error.text
    if source is None and error.span is not None and files:
        source = _text_of(error.span.file)
    return error.render(source)


def _text_of(file: str) -> str | None:
    try:
        return Path(file).read_text(encoding="utf-8-sig")
    except (OSError, ValueError):
        return None
