"""What a plan and a replay have in common: an engine on a copy of a store, and rulesets to install on it.

The copy stands on a virtual clock and has a seed, so that what happens on it can be compared with what
happens elsewhere. The ids that it makes are noted (`made`), since they always differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from picosched.checked import ruleset_text
from picosched.clock import VirtualClock
from picosched.due.waiting import Ask
from picosched.due.wired import Apart
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.krl.ruleset import Ruleset, compile_ruleset
from picosched.settings import Settings
from picosched.store.port import MEMORY
from picosched.store.store import Store
from picosched.turns import install as installing

MOST_RULESETS = 50
"""Rulesets that are given to a plan or a replay."""

IN_MEMORY = 200_000_000
"""Bytes of a database that is copied in memory; a larger one is copied into a file."""


@dataclass(frozen=True, slots=True)
class New:
    """A ruleset to be installed on a copy."""

    ruleset: Ruleset
    origin: str | None

    @property
    def rid(self) -> str:
        return self.ruleset.rid

    @property
    def text(self) -> str:
        return self.ruleset.source.text


class Copied(Wiring):
    """An engine on a copy of a store, at a virtual time. `ask` answers instead of the world outside."""

    def __init__(self, store: Store, now: datetime, settings: Settings, ask: Ask, apart: Apart) -> None:
        self._virtual = VirtualClock(now)
        super().__init__(store, self._virtual, settings, 0, False, ask, None, {}, apart)

    def install(self, pico_id: str, new: New) -> None:
        """Install a ruleset as `PicoRef.install` does."""
        known = self.store, self.loaded, pico_id, new.ruleset, new.origin, None, self.now(), str(self.by)
        self.write(installing.install, *known)


def refuse_beyond(*counts: tuple[int, int, str]) -> None:
    """`invalid` unless each number is from 1 to its limit: (number, limit, what is counted)."""
    for found, limit, what in counts:
        if not 1 <= found <= limit:
            raise PicoschedError(f"found {found:,} {what}, wanted 1 to {limit:,}")


def read_new(engine: Wiring, rulesets: Sequence[str | Path]) -> Iterator[New]:
    """Rulesets from texts, files and URLs; the engine may have compiled one before."""
    for each in rulesets:
        text, origin = ruleset_text(each)
        yield New(engine.read(engine.loaded.known, text) or compile_ruleset(text, origin), origin)


@contextmanager
def copied(size: int, copy: Callable[[str | Path], Store]) -> Iterator[Store]:
    """What `copy` makes of so many bytes: in memory, or in a file that is removed in the end."""
    with ExitStack() as stack:
        place: str | Path = MEMORY
        if size > IN_MEMORY:
            place = Path(stack.enter_context(TemporaryDirectory(prefix="picosched-"))) / "picos.db"
        yield stack.enter_context(closing(copy(place)))
