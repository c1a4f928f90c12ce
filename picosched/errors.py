"""Errors, their place in a source text, and how much a message quotes.

Every error that reaches a caller is a `PicoschedError` with a `code`; one table maps the code to an exit
status, another to an HTTP status. An error in KRL text is a `KrlError`: a message and, if known, a `Span`.
The library and the engine raise it without a span; the code that runs the compiled ruleset finds the span in
the traceback. `Span` is defined in this lowest module, so that an error has its place without importing the
language.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from picosched.covered import without_keys

Code = Literal["invalid", "not_found", "refused", "conflict", "too_large", "internal"]

EXIT_STATUS: dict[str, int] = {
    "invalid": 1,
    "not_found": 1,
    "refused": 1,
    "conflict": 3,
    "too_large": 1,
    "internal": 3,
}


def shortened(text: str, most: int = 60) -> str:
    """A text of which a message quotes at most so many characters."""
    return text if len(text) <= most else f"{text[:most]}…"


LINE = re.compile(r"[^\r\n]*(?:\r\n?|\n)|[^\r\n]+")


def lines_of(text: str) -> list[str]:
    """The lines of a text with their ends, which are those that editors know: Python ends lines at more."""
    return LINE.findall(text)


@dataclass(frozen=True, slots=True)
class Span:
    """A range of a source text: lines, as `lines_of` has them, and columns count from 1, the end column is
    exclusive.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class PicoschedError(Exception):
    """An error for the caller: a message and a `code`."""

    def __init__(self, message: str, code: Code = "invalid") -> None:
        if not message.isascii():  # it may quote half a character, which no record and no answer can have
            message = message.encode("utf-8", "backslashreplace").decode("utf-8")
        if "\0" in message:  # nor can a record have this
            message = message.replace("\0", "\\x00")
        super().__init__(message)
        self.message = message
        self.code: Code = code


class KrlError(PicoschedError):
    """An error in KRL text or in a running rule: what was found, what was wanted, and where.

    `others` are further errors found in the same text. `kind` names the kind of error, if there are several:
    "unknown name". `text` is the source text, if its file may have changed since.
    """

    def __init__(
        self,
        message: str,
        span: Span | None = None,
        *,
        code: Code = "invalid",
        kind: str | None = None,
        others: tuple[KrlError, ...] = (),
    ) -> None:
        super().__init__(message, code)
        self.span = span
        self.text: str | None = None
        self.kind = kind
        self.others = others
        for each in others:
            self.add_note(str(each))  # a traceback shows these too

    def __str__(self) -> str:
        return f"{self.span}: {self.message}" if self.span else self.message

    def render(self, source: str | None = None) -> str:
        """`file:line:col: message`, the source line with keys covered, and carets under the error."""
        if self.span is None or source is None:
            return str(self)
        lines = lines_of(without_keys(source)) or [""]
        number = min(self.span.line, len(lines))
        line = lines[number - 1].rstrip("\r\n")
        start = min(self.span.column, len(line) + 1) - 1
        one_line = self.span.end_line == self.span.line
        end = self.span.end_column - 1 if one_line else len(line)
        # Tabs stay tabs, so that the carets align with the line above.
        margin = "".join("\t" if character == "\t" else " " for character in line[:start])
        return f"{self}\n  {line}\n  {margin}{'^' * max(1, end - start)}"


def words(fault: BaseException) -> str:
    """An error of the system or the network in words, without error numbers and C source positions."""
    told = (getattr(fault, name, None) for name in ("verify_message", "reason", "strerror"))
    return str(next(filter(None, told), fault)) or type(fault).__name__
