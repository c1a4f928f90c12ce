"""What a run came to: as a table for people, and as JSON."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

from tests.soak.figures import Figures, Spread


@dataclass(frozen=True)
class Report:
    """All that is told at the end."""

    plan: Any
    figures: Figures
    seconds: float
    drained: float
    stopped: float
    deaths: int
    sent: int
    answered: int
    refused: int
    unknown: int
    came: int
    counts: dict[str, int]
    lateness: Spread
    logged: dict[str, int]

    @property
    def sound(self) -> bool:
        return not self.figures.faults

    def as_json(self) -> dict[str, Any]:
        figures = self.figures
        return {
            "plan": asdict(self.plan),
            "sound": self.sound,
            "faults": dict(figures.faults),
            "seconds": {
                "load": round(self.seconds, 1),
                "drained": round(self.drained, 1),
                "stopped": round(self.stopped, 1),
            },
            "kills": self.deaths,
            "events": {
                "sent": self.sent,
                "acknowledged": self.answered,
                "refused": self.refused,
                "unanswered": self.unknown,
                "unanswered_that_came": self.came,
            },
            "store": self.counts,
            "lateness": self.lateness.as_json(),
            "latency": {name: spread.as_json() for name, spread in sorted(figures.latency.items())},
            "answers": {
                f"{what} {status or 'broken'}": n for (what, status), n in sorted(figures.answers.items())
            },
            "done": dict(figures.done),
            "logged": self.logged,
            "memory_kib": figures.memory.as_json(),
            "files": figures.files.as_json(),
        }

    def lines(self) -> Iterator[str]:
        """The table."""
        figures, told = self.figures, self.as_json()
        yield f"{self.seconds:.0f} s of load, {self.deaths} kills; drained in {self.drained:.1f} s, "
        yield f"stopped in {self.stopped:.1f} s"
        yield ""
        yield f"{'events sent':32} {self.sent:>12,}"
        yield f"{'acknowledged':32} {self.answered:>12,}"
        yield f"{'refused':32} {self.refused:>12,}"
        yield f"{'unanswered (of these took effect)':32} {self.unknown:>11,} ({self.came:,})"
        for name, count in self.counts.items():
            yield f"{name:32} {count:>12,}"
        for name, count in figures.done.items():
            yield f"{name:32} {count:>12,}"
        yield ""
        yield f"{'':32} {'count':>12} {'p50 ms':>10} {'p99 ms':>10} {'most ms':>10}"
        yield _spread("lateness", self.lateness)
        for name, spread in sorted(figures.latency.items()):
            yield _spread(name, spread)
        yield ""
        for what, status in sorted(figures.answers):
            yield f"{what} {status or 'broken':<8}".ljust(32) + f" {figures.answers[what, status]:>12,}"
        yield ""
        for name in ("memory_kib", "files"):
            level = told[name]
            if level is None:
                yield f"{name:32} not measured: the run was too short"
                continue
            yield (
                f"{name:32} {level['second_quarter']:>12,} in the second quarter, "
                f"{level['last_quarter']:,} in the last, {level['most']:,} at most"
            )
        yield ""
        if self.sound:
            yield "nothing lost, nothing doubled, no fault"
        else:
            yield f"{len(figures.faults)} faults:"
            for fault, times in figures.faults.items():
                yield f"- {fault}" + (f" ({times} times)" if times > 1 else "")


def _spread(name: str, spread: Spread) -> str:
    told = spread.as_json()
    return f"{name:32} {spread.count:>12,} {told['p50_ms']:>10} {told['p99_ms']:>10} {told['most_ms']:>10}"
