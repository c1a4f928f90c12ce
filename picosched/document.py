"""A JSON document that came from elsewhere, read field by field.

Each fault names the place, what was found and what was wanted. Whoever writes such documents by hand, or has
one of another version, learns what is wrong with it rather than what broke on it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any, NoReturn, TypeVar

from picosched.clock import parse_time
from picosched.errors import PicoschedError

T = TypeVar("T")


class Fields:
    """The fields of a map. `where` it stands is for the faults, which are PicoschedError `invalid`."""

    def __init__(self, value: Any, where: str) -> None:
        self.where = where
        if not isinstance(value, Mapping):
            raise PicoschedError(f"{where}: found {_shown(value)}, wanted a map")
        self._map: Mapping[str, Any] = value

    def only(self, names: Iterable[str]) -> None:
        """Refuse fields of any other name."""
        wanted = [*names]
        for name in self._map:
            if name not in wanted:
                raise PicoschedError(
                    f'{self.where}: found the field "{name}", wanted none but {", ".join(wanted)}'
                )

    def text(self, name: str) -> str:
        value = self._of(name, str, "a text")
        try:
            value.encode()
        except UnicodeEncodeError:
            self._fault(name, value, "a text without half characters")
        return value

    def map(self, name: str) -> dict[str, Any]:
        return self._of(name, dict, "a map")

    def flag(self, name: str) -> bool:
        return self._of(name, bool, "true or false")

    def whole(self, name: str) -> int:
        value = self._of(name, int, "a whole number")
        return value if not isinstance(value, bool) else self._fault(name, value, "a whole number")

    def number(self, name: str) -> float:
        value = self._map.get(name)
        if isinstance(value, bool) or not isinstance(value, int | float):
            self._fault(name, value, "a number")
        return float(value)

    def time(self, name: str) -> datetime:
        try:
            return parse_time(self.text(name))
        except PicoschedError as cause:
            raise PicoschedError(f"{self.where}.{name}: {cause.message}") from cause

    def texts(self, name: str) -> list[str]:
        value = self._of(name, list, "a list of texts")
        if not all(isinstance(each, str) for each in value):
            self._fault(name, value, "a list of texts")
        return value

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

    # What may be null, or not there

    def has(self, name: str) -> bool:
        return self._map.get(name) is not None

    def maybe_text(self, name: str) -> str | None:
        return self.text(name) if self.has(name) else None

    def maybe_whole(self, name: str) -> int | None:
        return self.whole(name) if self.has(name) else None

    def maybe_time(self, name: str) -> datetime | None:
        return self.time(name) if self.has(name) else None

    def _of(self, name: str, kind: type[T], wanted: str) -> T:
        value = self._map.get(name)
        return value if isinstance(value, kind) else self._fault(name, value, wanted)

    def _fault(self, name: str, value: Any, wanted: str) -> NoReturn:
        found = _shown(value) if name in self._map else "nothing"
        raise PicoschedError(f"{self.where}.{name}: found {found}, wanted {wanted}")


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else text[:40] + "…"
