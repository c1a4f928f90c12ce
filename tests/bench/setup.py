"""What a measurement is given: how large it is, how often it repeats, and the peer if it is there."""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from picosched import Engine
from tests.bench.peer import Peer

COUNTER = Path(__file__).with_name("counter.krl")


@dataclass(frozen=True, slots=True)
class Setup:
    """The size of a run. `scale` shrinks every count, for a run that only shows that all still works."""

    repeats: int = 5
    scale: float = 1.0
    peer_modules: Path | None = None

    def times(self, number: int) -> int:
        return max(1, round(number * self.scale))

    def few(self, most: int) -> int:
        """Repeats of something that takes seconds."""
        return min(self.repeats, most)

    @contextmanager
    def peer(self) -> Iterator[Peer | None]:
        """The peer, running with a store of its own, where the run is to have it."""
        if self.peer_modules is None:
            yield None
            return
        with (
            tempfile.TemporaryDirectory(prefix="bench-peer-") as folder,
            Peer(self.peer_modules, folder) as peer,
        ):
            yield peer


def asked(peer: Peer | None, task: str, unit: float = 1, **named: Any) -> Callable[[], float] | None:
    """A contender: the peer doing a task, its figure times `unit`; None where there is no peer."""
    return None if peer is None else lambda: peer.ask(task, **named) * unit


@contextmanager
def counting(**options: Any) -> Iterator[Engine]:
    """An engine in a folder of its own, the counter ruleset on its root."""
    with (
        tempfile.TemporaryDirectory(prefix="bench-") as folder,
        Engine(Path(folder) / "picos.db", **options) as engine,
    ):
        engine.root.install(COUNTER)
        yield engine
