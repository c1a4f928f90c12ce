"""Field tables: what a record keeps, and the functions that follow from it.

A `Field` says what a field is called in Python, in its column and in JSON, and of which `Kind` its value is.
A `Kind` says how such a value is written to a column and to JSON, and how it is read back. The functions
below put the source of a function together from a table and compile it once, so that it runs as fast as one
written by hand.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from enum import StrEnum
from typing import Any, NamedTuple

from picosched.clock import format_time, from_ms, to_ms

SAME = ""
"""A column or a name in JSON that is the name of the field."""


class Kind(NamedTuple):
    """Values of one kind. The texts are Python: `{v}` is the value, `{name}` its name in JSON, quoted."""

    name: str
    json: Any
    """The type in JSON."""
    of_json: str
    """Reads it from `told`, which is a `Fields`."""
    to_json: str = "{v}"
    to_column: str = "{v}"
    of_column: str = "{v}"
    words: type[StrEnum] | None = None
    optional: bool = False

    @property
    def maybe(self) -> Kind:
        """The same, or None."""
        return self._replace(json=self.json | None, optional=True)

    def write(self, text: str, value: str) -> str:
        """The text for a value."""
        written = text.format(v=value)
        return f"None if {value} is None else {written}" if self.optional and text != "{v}" else written

    def read(self, name: str) -> str:
        text = self.of_json.format(name=repr(name))
        return f"{text} if told.has({name!r}) else None" if self.optional else text


def word(words: type[StrEnum]) -> Kind:
    """One word of several."""
    name = words.__name__
    read = f"told.word({{name}}, {name})"
    return Kind(name, str, read, "{v}.value", "{v}._value_", f"{name}_of[{{v}}]", words=words)


NAME = Kind("name", str, "told.text({name})")
"""A text that is not empty."""
TEXT = Kind("text", str, "told.text({name})")
TIME = Kind("time", str, "told.time({name})", "written({v})", "to_ms({v})", "from_ms({v})")
COUNT = Kind("count", int, "told.whole({name})")
FLAG = Kind("flag", bool, "told.flag({name})", "{v}", "1 if {v} else 0", "{v} == 1")
MAP = Kind("map", dict[str, Any], "told.map({name})", "dict({v})", "dump({v})", "load({v})")
MAPS = Kind("maps", list[dict[str, Any]], "told.maps({name})", "{v}", "dump({v})", "load({v})")
TEXTS = Kind("texts", list[str], "told.texts({name})", "{v}", "dump({v})", "load({v})")


class Field(NamedTuple):
    """One field. One that the record works out by itself, as a property, is written and not read."""

    name: str
    kind: Kind
    column: str | None = SAME
    """None if it has no column."""
    json: str | None = SAME
    """None if it is not in JSON."""
    read: str = ""
    """How it is read from `told`, if not as its kind says."""
    says: str | None = None
    """What the description of the API says of it."""
    label: str | None = None
    """What a page calls it that shows it as it is in JSON."""
    numbered: bool = False
    """Whether the database gives it."""


class Table:
    """The fields of a record, in the order of JSON; `name` is its table in the database."""

    def __init__(self, name: str, record: type[Any], *described: Field) -> None:
        self.name = name
        self.record = record
        self.fields = tuple(
            each._replace(
                column=each.name if each.column == SAME else each.column,
                json=each.name if each.json == SAME else each.json,
            )
            for each in described
        )
        self._given = {each.name for each in fields(record)}
        self._kept = [each for each in self.fields if each.column]
        self._inserted = [each for each in self._kept if not each.numbered]
        self.columns = tuple(str(each.column) for each in self._kept)
        """The columns of a row that `to_record` takes, in order."""
        self.inserted = tuple(str(each.column) for each in self._inserted)
        """The columns of a row that `of_record` makes, in order."""

    def of_record(self, dump: Callable[[Any], str]) -> Callable[[Any], tuple[Any, ...]]:
        """A function that makes a row of a record."""
        lines = [
            f"{each.name} = {each.kind.write(each.kind.to_column, f'record.{each.name}')}"
            for each in self._inserted
        ]
        return self._function("record", lines, f"({self._names(self._inserted)},)", dump=dump)

    def values_of(self, names: Sequence[str]) -> Callable[[Any], list[Any]]:
        """A function that makes the values of some fields of a record, as a statement takes them."""
        some = [each for name in names for each in self._kept if each.name == name]
        values = [each.kind.write(each.kind.to_column, f"record.{each.name}") for each in some]
        return self._function("record", [], f"[{', '.join(values)}]")

    def to_record(self, load: Callable[[str], Any], **bound: Any) -> Callable[[Sequence[Any]], Any]:
        """A function that makes a record of a row, which may have further columns at the end.

        Fields that have no column get the values of `bound`.
        """
        read = {
            each.name: each.kind.write(each.kind.of_column, each.name)
            for each in self._kept
            if each.name in self._given
        }
        # By position, which is faster than by name.
        values = ", ".join(read.get(each.name, each.name) for each in fields(self.record))
        start = f"{self._names(self._kept)}, = row[:{len(self._kept)}]"
        return self._function("row", [start], f"record_type({values})", load=load, **bound)

    def to_map(self, without: Sequence[str] = ()) -> Callable[..., dict[str, Any]]:
        """A function that makes a map for JSON of a record; it takes how times are written as well."""
        parts = [
            f"{each.json!r}: {each.kind.write(each.kind.to_json, f'record.{each.name}')}"
            for each in self.fields
            if each.json and each.name not in without
        ]
        return self._function("record, written=format_time", [], f"{{{', '.join(parts)}}}")

    def of_map(self) -> Callable[..., Any]:
        """A function that reads a record from `Fields`, given the id of its pico."""
        parts = [
            f"{each.name}={each.read or each.kind.read(each.json or '')}"
            for each in self.fields
            if each.name in self._given - {"pico_id"} and (each.read or each.json)
        ]
        return self._function("told, pico_id", [], f"record_type(pico_id=pico_id, {', '.join(parts)})")

    def types(self) -> dict[str, tuple[Any, str | None]]:
        """Name in JSON → its type there, and what there is to say of it."""
        return {each.json: (each.kind.json, each.says) for each in self.fields if each.json}

    def kinds(self) -> Mapping[str, Kind]:
        """Column → the kind of what it holds."""
        return {str(each.column): each.kind for each in self._kept}

    def _names(self, some: Sequence[Field]) -> str:
        return ", ".join(each.name for each in some)

    def _function(self, takes: str, lines: Sequence[str], gives: str, **names: Any) -> Callable[..., Any]:
        words = [each.kind.words for each in self.fields if each.kind.words]
        names |= {each.__name__: each for each in words}
        names |= {f"{each.__name__}_of": {word.value: word for word in each} for each in words}
        names |= {"to_ms": to_ms, "from_ms": from_ms, "format_time": format_time}
        names |= {"record_type": self.record}
        body = "\n    ".join([*lines, f"return {gives}"])
        exec(compile(f"def made({takes}):\n    {body}", f"<{self.name}>", "exec"), names)
        made: Callable[..., Any] = names["made"]
        return made
