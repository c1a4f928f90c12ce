"""Large maps in variables, changed by key.

Changing one element must not cost more in a larger map. So what a turn changes is
collected as changes, a `ChangedMap`, and the store keeps each element in a row of its own, a `StoredMap`, of
which it writes only the rows that changed. A map becomes large when an element of it is set or cleared while
it has more than MANY; it is an ordinary value again once the whole variable is set.

Rules see maps as values that never change. So a `StoredMap` changes its dict in place only when no rule of
the turn at hand and no global can still hold it. Elements keep the order in which their keys were first set,
as in a dict.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from picosched.krl.scope import Value
from picosched.krl.size import DEEPEST, charge, claim_map, too_much
from picosched.krl.text import VANISHED, copied
from picosched.krl.values import MISSING

MANY = 64
"""Elements of a map that is written as one value."""

LONGEST_KEY = 200
"""Characters of a key that is the key of a row: databases limit what they index."""

MOST_KNOWN = 1_000
"""Elements that are remembered of a map that was not read as a whole."""

ELEMENT = 8
"""Characters counted for an element besides its key and value, as `text.tree` does."""

STAGED = 8
"""Steps charged for a change."""


class LargeMap(Protocol):
    """A map that is changed by key."""

    size: int
    """Characters, as limited by `max_value_bytes`."""

    def find(self, key: str) -> Value:
        """An element; MISSING if there is none."""

    def whole(self) -> dict[str, Value]:
        """All elements, in order. To be left as it is."""


class Elements(Protocol):
    """The rows of large maps; `owner` is the pico, rid and name of the variable."""

    def element(self, owner: tuple[str, str, str], key: str) -> Value:
        """The element with that key; MISSING if there is none."""

    def elements(self, owner: tuple[str, str, str]) -> dict[str, Value]:
        """All elements, in order."""


class StoredMap:
    """A map whose elements are rows, with what has been read of them."""

    __slots__ = ("_known", "_lent", "_rows", "_whole", "owner", "places", "size")

    def __init__(self, rows: Elements, owner: tuple[str, str, str], size: int, places: int) -> None:
        self.owner = owner
        self.size = size
        self.places = places
        """The place of the next element that is set; places give the order of the rows."""
        self._rows = rows
        self._whole: dict[str, Value] | None = None
        self._known: dict[str, Value] = {}
        """Elements read or set while the whole is not in memory."""
        self._lent = False

    def find(self, key: str) -> Value:
        """An element, read from its row if it is not known; MISSING if there is none."""
        if self._whole is not None:
            return self._whole.get(key, MISSING)
        if key not in self._known:
            if len(self._known) >= MOST_KNOWN:
                self._known.clear()
            self._known[key] = self._rows.element(self.owner, key)
        return self._known[key]

    def whole(self) -> dict[str, Value]:
        """All elements, in order, read at the first call."""
        if self._whole is None:
            self._whole = self._rows.elements(self.owner)
            self._known = {}
        return self._whole

    def lend(self) -> None:
        """What `whole` gave outlives the turn or query at hand: leave it as it is."""
        self._lent = True

    def take_over(self, changes: ChangedMap) -> None:
        """Apply changes that have been written."""
        self.size = changes.size
        self.places += len(changes.set)
        if self._lent and self._whole is not None:
            self._whole, self._lent = {**self._whole}, False
        changes.apply(self._known if self._whole is None else self._whole)


class ChangedMap:
    """A map with the changes of one rule or turn, not yet written."""

    __slots__ = ("_whole", "below", "removed", "set", "size")

    def __init__(self, below: LargeMap | dict[str, Value]) -> None:
        self.below = below
        """The map as it was before."""
        self.size = copied(below)[1] if isinstance(below, dict) else below.size
        self.removed: dict[str, None] = {}
        """Keys removed, before anything is set."""
        self.set: dict[str, Value] = {}
        """The elements that are set, in order."""
        self._whole: dict[str, Value] | None = None

    def find(self, key: str) -> Value:
        """An element as changed; MISSING if there is none."""
        if key in self.set:
            return self.set[key]
        return MISSING if key in self.removed else element_of(self.below, key)

    def whole(self) -> dict[str, Value]:
        """All elements as changed, in order; KrlError if that takes more memory than the turn may claim."""
        if self._whole is None:
            below = self.below if isinstance(self.below, dict) else self.below.whole()
            claim_map(len(below) + len(self.set))
            self._whole = {**below}
            self.apply(self._whole)
        return self._whole

    def apply(self, elements: dict[str, Value]) -> None:
        """Change a dict of elements in place."""
        for key in self.removed:
            elements.pop(key, None)
        elements.update(self.set)

    def put(self, key: str, value: Value, most: int) -> int:
        """Set an element, or remove it if it is MISSING; returns its characters.

        KrlError if the map would then have more than `most`.
        """
        charge(STAGED)
        found = self.find(key)
        copy, characters = (VANISHED, 0) if value is MISSING else copied(value, DEEPEST - 1)
        before = 0 if found is MISSING else ELEMENT + len(key) + copied(found, DEEPEST - 1)[1]
        after = 0 if copy is VANISHED else ELEMENT + len(key) + characters
        if after > before and self.size - before + after > most:
            raise too_much()
        self.size += after - before
        self._whole = None
        if copy is not VANISHED:
            self.set[key] = copy
        elif found is not MISSING:
            self.set.pop(key, None)
            self.removed[key] = None
        return after

    def add(self, changes: ChangedMap) -> None:
        """Add changes that were made to this one."""
        self.size, self._whole = changes.size, None
        for key in changes.removed:
            self.set.pop(key, None)
            self.removed[key] = None
        self.set.update(changes.set)


def changes_by_key(variable: Value, key: str) -> bool:
    """Whether the variable is a map so large that an element of that key is changed by itself."""
    if len(key) > LONGEST_KEY:
        return False
    if type(variable) is not dict:
        return type(variable) is StoredMap or type(variable) is ChangedMap
    return len(variable) > MANY and max(map(len, variable)) <= LONGEST_KEY


def element_of(map: LargeMap | Mapping[str, Value], key: str) -> Value:
    """An element of a large map or of any other; MISSING if there is none."""
    return map.get(key, MISSING) if isinstance(map, Mapping) else map.find(key)


def whole_of(variable: Value) -> Value:
    """The value of a variable, which may be a large map."""
    kind = type(variable)
    return variable.whole() if kind is StoredMap or kind is ChangedMap else variable
