"""A ruleset's text and its name: turns offsets into lines and columns, and is read from a file."""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from picosched.errors import LINE, KrlError, PicoschedError, Span, lines_of

MOST_BYTES = 2_000_000
"""The limit for a ruleset file."""

HEAD = re.compile(r"(?:\s|//[^\n]*+|(?>/\*.*?\*/))*+ruleset\s++([\w.-]{1,200}+)", re.DOTALL)


def source_of(text: str, name: str | None = None) -> Source:
    """A ruleset's text, named by its file; without one by its rid, and if it has neither `<ruleset>`."""
    if name is None:
        head = HEAD.match(text)
        name = head[1] if head else "<ruleset>"
    return Source(name, text)


@dataclass(frozen=True)
class Source:
    """Text and where it came from. Offsets count characters from 0; lines and columns count from 1."""

    name: str
    text: str

    @cached_property
    def _starts(self) -> list[int]:
        starts = [0]
        for line in lines_of(self.text):
            starts.append(starts[-1] + len(line))
        return starts

    def place(self, offset: int) -> tuple[int, int]:
        """The line and column of an offset; the end of the text is just past its last character."""
        line = bisect_right(self._starts, min(offset, len(self.text)))
        # A final line break starts no line of its own that could be shown.
        if line == len(self._starts) and line > 1 and self.text[-1:] not in "\r\n":
            line -= 1
        return line, min(offset, len(self.text)) - self._starts[line - 1] + 1

    def span(self, start: int, end: int) -> Span:
        line, column = self.place(start)
        end_line, end_column = self.place(max(start, end))
        return Span(self.name, line, column, end_line, end_column)

    def line(self, number: int) -> str:
        found = LINE.match(self.text, self._starts[number - 1])
        return "" if found is None else found[0].rstrip("\r\n")

    def render(self, error: PicoschedError) -> str:
        """The error with its source line and a caret, if it is in this text."""
        if isinstance(error, KrlError) and error.span and error.span.file == self.name:
            return error.render(self.text)
        return str(error)


def read_source(path: Path) -> str:
    """The text of a ruleset file. PicoschedError if it does not exist or is not UTF-8."""
    try:
        with path.open("rb") as file:
            found = file.read(MOST_BYTES + 1)
        if len(found) > MOST_BYTES:
            raise PicoschedError(f"{path} has more than {MOST_BYTES:,} bytes, wanted a ruleset", "too_large")
        return found.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        raise PicoschedError(
            f"{path} is not UTF-8: found the byte 0x{cause.object[cause.start]:02x} at offset {cause.start}"
        ) from cause
    except FileNotFoundError as cause:
        raise PicoschedError(f"there is no file {path}", "not_found") from cause
    except OSError as cause:
        raise PicoschedError(f"cannot read {path}: {cause.strerror}") from cause
