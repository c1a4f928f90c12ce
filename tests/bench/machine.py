"""The machine as it is now: what the figures were measured on, and how busy it is."""

from __future__ import annotations

import os
import platform
import sqlite3
import statistics
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from time import perf_counter

from tests.bench.side_by_side import seconds


def machine() -> dict[str, str]:
    """What to tell with every run. The two last show the noise: the same work, timed again and again."""
    return {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%MZ"),
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, {platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "folder": tempfile.gettempdir(),
        "load": " ".join(f"{each:.2f}" for each in os.getloadavg()),
        "a fixed loop": _told([seconds(_loop) * 1_000 for _ in range(21)]),
        "one fsync": _told(_syncs(50)),
    }


def _told(ms: list[float]) -> str:
    tenths = statistics.quantiles(ms, n=10)
    return (
        f"{statistics.median(ms):.3f} ms ({tenths[0]:.3f}–{tenths[-1]:.3f} from the 10th to the 90th of 100)"
    )


def _loop() -> None:
    total = 0
    for number in range(200_000):
        total += number


def _syncs(number: int) -> list[float]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder, (Path(folder) / "file").open("wb") as file:
        found = []
        for _ in range(number):
            file.write(b"x" * 4096)
            file.flush()
            begun = perf_counter()
            os.fsync(file.fileno())
            found.append((perf_counter() - begun) * 1_000)
        return found
