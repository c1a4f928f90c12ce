"""Positions in the text of a timespec, and errors at them."""

from __future__ import annotations

from dataclasses import dataclass, replace

from picosched.errors import PicoschedError


@dataclass(frozen=True, slots=True)
class Place:
    """A position in `source`: `column` counts from 1; a part of a map has a name and no column."""

    source: str
    column: int | None = 1
    part: str | None = None
    where: str | None = None
    """How errors name it, if not by the text."""

    def on(self, by: int) -> Place:
        """The place that many characters further on."""
        return self if self.column is None else replace(self, column=self.column + by)

    def fault(self, found: str, wanted: str, offset: int = 0, part: str | None = None) -> PicoschedError:
        """The error for the text `found`, `offset` characters further on, in a part of that name."""
        return self.error(f"{shown(found) if found else 'nothing'}, wanted {wanted}", offset, part)

    def because(self, error: PicoschedError) -> PicoschedError:
        """The same error, with this place."""
        return PicoschedError(f"{self.words()}: {error.message}", error.code)

    def error(self, found: str, offset: int = 0, part: str | None = None) -> PicoschedError:
        """The error "found …" at `offset` characters from here."""
        return PicoschedError(f"{self.words(offset, part)}: found {found}", "invalid")

    def words(self, offset: int = 0, part: str | None = None) -> str:
        """What errors begin with: where it is, `offset` characters further on."""
        if self.where is not None:
            return self.where
        words = f"timespec {shown(self.source)}"
        if self.column is not None:
            words += f", column {self.column + offset}"
        if named := self.part or part:
            words += f", {named}"
        return words


def shown(text: str) -> str:
    """`text` in quotes, short and printable enough for a message."""
    printable = repr(text[:60])[1:-1]
    return f'"{printable}…"' if len(text) > 60 else f'"{printable}"'
