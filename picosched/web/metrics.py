"""Prometheus metrics: requests and turns counted as they come, and figures read from the store on demand."""

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
        disable_created_metrics()  # type: ignore[no-untyped-call]  # omit the creation time of each series
        self._registry = CollectorRegistry()
        self._requests = Counter(
            "picosched_http_requests",
            "Requests answered, by path template.",
            ("path", "status"),
            registry=self._registry,
        )
        self._turns = Histogram(
            "picosched_http_turn_seconds",
            "From an event's arrival by HTTP to its durable answer.",
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
        """Record a turn raised by HTTP."""
        self._turns.observe(seconds)

    def families(self) -> list[Metric]:
        """All metrics. For a thread that may wait for the store."""
        return [*self._registry.collect()]

    def text(self) -> bytes:
        """All metrics, in Prometheus format. For a thread that may wait for the store."""
        return generate_latest(self._registry)


class Figures(Collector):
    """Figures of the store and the engine. Fires are counted from the start of the server."""

    def __init__(self, engine: Engine, desk: Desk) -> None:
        self._engine = engine
        self._desk = desk
        self._place = engine.read(engine.store.pages.last_fire)
        self._outcomes: dict[str, int] = {}
        self._within = [0] * len(LATENESS_MS)
        self._late_ms = 0

    def describe(self) -> list[Metric]:
        return []  # otherwise registering would read the store

    def collect(self) -> Iterator[Metric]:
        turns, pending, overdue, outcomes, within, late_ms = self._engine.read(self._look)
        yield CounterMetricFamily("picosched_turns", "Turns in this store, whatever their cause.", turns)
        yield CounterMetricFamily(
            "picosched_commits", "Transactions since the engine was opened.", self._engine.commits
        )
        yield GaugeMetricFamily("picosched_scheduled", "Pending scheduled events.", pending)
        yield GaugeMetricFamily(
            "picosched_due_backlog", "Scheduled events that are due but not yet raised.", overdue
        )
        yield GaugeMetricFamily(
            "picosched_requests_waiting", "Requests not yet being processed.", self._desk.waiting
        )
        if (part := self._engine.part) is not None:
            yield GaugeMetricFamily("picosched_shards", "Shards that this machine has.", part.shards)
            yield GaugeMetricFamily(
                "picosched_machines", "Machines at work, this one included.", part.machines
            )
        fires = CounterMetricFamily(
            "picosched_fires", "Occurrences by outcome since the start.", labels=("outcome",)
        )
        for outcome, count in sorted(outcomes.items()):
            fires.add_metric((outcome,), count)
        yield fires
        raised = sum(outcomes.values()) - outcomes.get("cancelled", 0)
        buckets = [(str(bound / 1000), float(n)) for bound, n in zip(LATENESS_MS, within, strict=True)]
        yield HistogramMetricFamily(
            "picosched_lateness_seconds",
            "How late occurrences were processed since the start.",
            buckets=[*buckets, ("+Inf", float(raised))],
            sum_value=late_ms / 1000,
        )

    def _look(self) -> tuple[int, int, int, dict[str, int], list[int], int]:
        """Read a consistent snapshot, under the engine's lock."""
        pages, now = self._engine.store.pages, self._engine.now()
        last = pages.last_fire()
        for each in pages.lateness(self._place, last):
            self._outcomes[each.outcome] = self._outcomes.get(each.outcome, 0) + each.count
            if each.outcome != "cancelled":  # cancelled occurrences have no lateness
                self._late_ms += each.sum_ms
                self._within = [a + b for a, b in zip(self._within, each.within, strict=True)]
        self._place = last
        stand = pages.last_turn(), pages.pending(), pages.overdue(now)
        return *stand, {**self._outcomes}, self._within, self._late_ms
