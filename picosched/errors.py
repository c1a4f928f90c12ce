"""Faults, and where in a source text they stand.

Every error that reaches a caller is a `PicoschedError` with a `code`; one table turns the code into
an exit status, another into an HTTP status. A fault in KRL text is a `KrlError`: a message and,
where there is one, a `Span`. The library and the engine raise it without a span; whoever holds the
compiled code finds the span from the traceback. `Span` lives here, below everything, so that an error
can carry its place without knowing of the language.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Code = Literal["invalid", "not_found", "refused", "conflict", "too_large", "internal"]

EXIT_STATUS: dict[str, int] = {
    "invalid": 1,
    "not_found": 1,
    "refused": 1,
    "conflict": 3,
    "too_large": 1,
    "internal": 3,
}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of a source text: lines and columns count from 1, the end column is exclusive."""

    file: str
    line: int
    column: int
    end_line: int
    end_column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


class PicoschedError(Exception):
    """What went wrong, in words for the caller, and its `code`."""

    def __init__(self, message: str, code: Code = "invalid") -> None:
        if not message.isascii():  # it may quote half a character, which no record and no answer can have
            message = message.encode("utf-8", "backslashreplace").decode("utf-8")
        super().__init__(message)
        self.message = message
        self.code: Code = code


class KrlError(PicoschedError):
    """A fault in KRL text or in a running rule: what was found, what was wanted, and where.

    `others` are further faults of the same text that were found with this one. `kind` says in a word or two
    which fault it is, where the one who found it tells kinds apart: "unknown name". `text` is the text it
    stands in, where that is not sure to be what its file holds now.
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

    def __str__(self) -> str:
        return f"{self.span}: {self.message}" if self.span else self.message

    def render(self, source: str | None = None) -> str:
        """`file:line:col: message`, the source line and a caret under the fault."""
        if self.span is None or source is None:
            return str(self)
        lines = source.splitlines() or [""]
        number = min(self.span.line, len(lines))
        line = lines[number - 1]
        start = min(self.span.column, len(line) + 1) - 1
        one_line = self.span.end_line == self.span.line
        end = self.span.end_column - 1 if one_line else len(line)
        # Tabs stay tabs under the line, so that the caret stands under its character.
        margin = "".join("\t" if character == "\t" else " " for character in line[:start])
        return f"{self}\n  {line}\n  {margin}{'^' * max(1, end - start)}"
