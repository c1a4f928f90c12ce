"""`frozen`: a dataclass whose fields only a type checker keeps from changing.

`dataclass(frozen=True)` assigns each field through `object.__setattr__`, which makes a new instance four
times dearer. Records of the hot path are made several times in each turn, so mypy alone guards them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar, dataclass_transform

T = TypeVar("T")


@dataclass_transform(frozen_default=True)
def frozen(cls: type[T]) -> type[T]:
    """A dataclass with slots that is compared and hashed by its fields, and must not be changed."""
    return dataclass(slots=True, unsafe_hash=True)(cls)
