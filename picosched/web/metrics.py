"""What Prometheus reads: requests and turns as they come, and what the store knows, read when it is asked
for.
"""

from __future__ import annotations

from collections.abc import Iterator

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

from picosched.engine.engine import Engine
from picosched.store.pages import LATENESS_MS
from picosched.web.desk import Desk

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
SECONDS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)


class Metrics:
    """The metrics of one server."""

    def __init__(self, engine: Engine, desk: Desk) -> None:
        disable_created_metrics()  # type: ignore[no-untyped-call]  # a time for each series, which nobody asks for
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "picosched_http_requests",
            "Requests answered, by the template of their path.",
            ("path", "status"),
            registry=self._registry,
        )
        self._turns = Histogram(
            "picosched_http_turn_seconds",
            "From an event's arrival by HTTP to its answer, when it is durable.",
            buckets=SECONDS,
            registry=self._registry,
        )
        self._seen: dict[tuple[str, int], Counter] = {}
        self._registry.register(Figures(engine, desk))

    def answered(self, path: str, status: int) -> None:
        """Count a request."""
        counter = self._seen.get((path, status))
        if counter is None:
            counter = self._seen[path, status] = self._requests.labels(path, str(status))
        counter.inc()

    def turned(self, seconds: float) -> None:
        """Count a turn that was raised by HTTP."""
        self._turns.observe(seconds)

    def text(self) -> bytes:
        """All of it, in Prometheus' format. For a thread that may wait for the store."""
        return generate_latest(self._registry)


class Figures(Collector):
    """What the store and the engine know. Fires are counted from the start of the server on."""

    def __init__(self, engine: Engine, desk: Desk) -> None:
        self._engine = engine
        self._desk = desk
        self._place = engine.read(engine.store.pages.last_fire)
        self._outcomes: dict[str, int] = {}
        self._within = [0] * len(LATENESS_MS)
        self._late_ms = 0

    def describe(self) -> list[Metric]:
        return []  # else registering would read the store

    def collect(self) -> Iterator[Metric]:
        turns, pending, overdue, outcomes, within, late_ms = self._engine.read(self._look)
        yield CounterMetricFamily("picosched_turns", "Turns in this store, from any cause.", turns)
        yield CounterMetricFamily(
            "picosched_commits", "Transactions since the engine was opened.", self._engine.commits
        )
        yield GaugeMetricFamily("picosched_scheduled", "Scheduled events that are to come.", pending)
        yield GaugeMetricFamily(
            "picosched_due_backlog", "Scheduled events that are due and not raised.", overdue
        )
        yield GaugeMetricFamily(
            "picosched_requests_waiting", "Requests nobody has taken up yet.", self._desk.waiting
        )
        fires = CounterMetricFamily(
            "picosched_fires", "What became of occurrences since the start.", labels=("outcome",)
        )
        for outcome, count in sorted(outcomes.items()):
            fires.add_metric((outcome,), count)
        yield fires
        raised = sum(outcomes.values()) - outcomes.get("cancelled", 0)
        buckets = [(str(bound / 1000), float(n)) for bound, n in zip(LATENESS_MS, within, strict=True)]
        yield HistogramMetricFamily(
            "picosched_lateness_seconds",
            "How late occurrences were dealt with since the start.",
            buckets=[*buckets, ("+Inf", float(raised))],
            sum_value=late_ms / 1000,
        )

    def _look(self) -> tuple[int, int, int, dict[str, int], list[int], int]:
        """All of one moment, while nobody else looks or writes."""
        pages, now = self._engine.store.pages, self._engine.now()
        last = pages.last_fire()
        for each in pages.lateness(self._place, last):
            self._outcomes[each.outcome] = self._outcomes.get(each.outcome, 0) + each.count
            if each.outcome != "cancelled":  # what was cancelled was not late
                self._late_ms += each.sum_ms
                self._within = [a + b for a, b in zip(self._within, each.within, strict=True)]
        self._place = last
        stand = pages.last_turn(), pages.pending(), pages.overdue(now)
        return *stand, {**self._outcomes}, self._within, self._late_ms
