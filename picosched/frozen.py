"""`frozen`: a dataclass whose fields only a type checker keeps from changing, and `replace`.

`dataclass(frozen=True)` assigns each field through `object.__setattr__`, and `dataclasses.replace` looks at
each field in turn. Records of the hot path are made several times in each turn: so mypy alone guards them,
and each has a compiled function that makes a changed copy.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def frozen(cls: type[T]) -> type[T]:
    """A dataclass with slots that is compared and hashed by its fields, and must not be changed."""
    made = dataclass(slots=True, unsafe_hash=True)(cls)
    names = [each.name for each in fields(made)]  # type: ignore[arg-type]
    taken = ", ".join(f"{name}=UNCHANGED" for name in names)
    given = ", ".join(f"self.{name} if {name} is UNCHANGED else {name}" for name in names)
    scope: dict[str, Any] = {"_cls": made, "UNCHANGED": object()}
    exec(f"def __replace__(self, /, *, {taken}): return _cls({given})", scope)
    made.__replace__ = scope["__replace__"]  # type: ignore[attr-defined]
    return made


if TYPE_CHECKING:
    from dataclasses import replace as replace
else:

    def replace(value, **changes):
        """A copy of a frozen record with other values for some fields."""
        return value.__replace__(**changes)
