"""Reads an untrusted JSON document field by field.

Each error names the place, what was found and what was wanted. So authors of such documents, or users with
one of another version, see what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from enum import StrEnum
from typing import Any, NoReturn, TypeVar

from picosched.clock import from_ms, parse_time, to_ms
from picosched.errors import PicoschedError, shortened

T = TypeVar("T")
Word = TypeVar("Word", bound=StrEnum)

MOST = 2**53
"""The greatest whole number allowed: any program reads it exactly, and a database can store it."""


class Fields:
    """The fields of a map. Errors are PicoschedError `invalid`, and name its place, `where`."""

    def __init__(self, value: Any, where: str) -> None:
        self.where = where
        if not isinstance(value, Mapping):
            raise PicoschedError(f"{where}: found {_shown(value)}, wanted a map")
        self._map: Mapping[str, Any] = value

    def only(self, names: Iterable[str]) -> None:
        """Refuse fields with any other name."""
        wanted = [*names]
        for name in self._map:
            if name not in wanted:
                raise PicoschedError(
                    f'{self.where}: found the field "{name}", wanted only {", ".join(wanted)}'
                )

    def text(self, name: str) -> str:
        return self._whole_text(name, self._of(name, str, "a text"))

    def value(self, name: str) -> Any:
        """A value of any kind."""
        return self._map[name] if name in self._map else self._fault(name, None, "a value")

    def map(self, name: str) -> dict[str, Any]:
        return self._of(name, dict, "a map")

    def flag(self, name: str) -> bool:
        return self._of(name, bool, "true or false")

    def whole(self, name: str, least: int = 0, most: int = MOST) -> int:
        """A whole number from `least` to `most`."""
        value = self._of(name, int, "a whole number")
        if isinstance(value, bool):
            self._fault(name, value, "a whole number")
        if not least <= value <= most:
            self._fault(name, value, f"a whole number from {least:,} to {most:,}")
        return value

    def number(self, name: str, least: float, most: float) -> float:
        """A number from `least` to `most`."""
        value = self._map.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._fault(name, value, "a number")
        if not least <= value <= most:
            self._fault(name, value, f"a number from {least:,} to {most:,}")
        return float(value)

    def word(self, name: str, words: type[Word]) -> Word:
        """One of several words."""
        text = self.text(name)
        try:
            return words(text)
        except ValueError as cause:
            wanted = ", ".join(words)
            raise PicoschedError(f'{self.where}.{name}: found "{text}", wanted one of {wanted}') from cause

    def time(self, name: str) -> datetime:
        """A time, in whole milliseconds."""
        try:
            return from_ms(to_ms(parse_time(self.text(name))))
        except PicoschedError as cause:
            raise PicoschedError(f"{self.where}.{name}: {cause.message}") from cause

    def texts(self, name: str) -> list[str]:
        value = self._of(name, list, "a list of texts")
        if not all(isinstance(each, str) for each in value):
            self._fault(name, value, "a list of texts")
        return [self._whole_text(name, each) for each in value]

    def maps(self, name: str) -> list[dict[str, Any]]:
        value = self._of(name, list, "a list of maps")
        if not all(isinstance(each, dict) for each in value):
            self._fault(name, value, "a list of maps")
        return value

    def each(self, name: str) -> Iterator[Fields]:
        """The maps of a list, each with its place."""
        for number, value in enumerate(self._of(name, list, "a list of maps")):
            yield Fields(value, f"{self.where}.{name}[{number}]")

    def inner(self, name: str) -> Fields:
        return Fields(self.map(name), f"{self.where}.{name}")

    # Fields that may be null or missing

    def has(self, name: str) -> bool:
        return self._map.get(name) is not None

    def maybe_text(self, name: str) -> str | None:
        return self.text(name) if self.has(name) else None

    def maybe_whole(self, name: str, least: int = 0, most: int = MOST) -> int | None:
        return self.whole(name, least, most) if self.has(name) else None

    def maybe_time(self, name: str) -> datetime | None:
        return self.time(name) if self.has(name) else None

    def _of(self, name: str, kind: type[T], wanted: str) -> T:
        value = self._map.get(name)
        return value if isinstance(value, kind) else self._fault(name, value, wanted)

    def _whole_text(self, name: str, text: str) -> str:
        try:
            text.encode()
        except UnicodeEncodeError:
            self._fault(name, text, "a text without half characters")
        return text

    def _fault(self, name: str, value: Any, wanted: str) -> NoReturn:
        found = _shown(value) if name in self._map else "nothing"
        raise PicoschedError(f"{self.where}.{name}: found {found}, wanted {wanted}")


def _shown(value: Any) -> str:
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # thousands of digits, or nested too deep
        text = type(value).__name__
    text = text.lower() if isinstance(value, bool) else text
    return shortened(text, 40)
