"""Metrics for a collector of OpenTelemetry: those of `/metrics`, by the same names, sent by OTLP over HTTP.

They are converted rather than counted twice, so both always say the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from opentelemetry.exporter.otlp.proto.http.metric_exporter import OTLPMetricExporter
from opentelemetry.sdk.metrics.export import (
    AggregationTemporality,
    Gauge,
    Histogram,
    HistogramDataPoint,
    MetricsData,
    NumberDataPoint,
    ResourceMetrics,
    ScopeMetrics,
    Sum,
)
from opentelemetry.sdk.metrics.export import Metric as Told
from opentelemetry.sdk.util.instrumentation import InstrumentationScope
from prometheus_client.core import Metric
from prometheus_client.samples import Sample

from picosched.clock import to_ms
from picosched.turns.traces import NAME, SEND_SECONDS, Unread, resource

WHOLE = AggregationTemporality.CUMULATIVE
BOUND = "le"
"""The label of a bucket: its upper bound."""


class SentMetrics:
    """Sends the metrics of a server that counts since `began` to the collector at a URL."""

    def __init__(self, url: str, began: datetime) -> None:
        self._exporter = OTLPMetricExporter(f"{url}/v1/metrics", timeout=SEND_SECONDS, session=Unread())
        self._resource = resource()
        self._began = began

    def send(self, families: Iterable[Metric], now: datetime) -> None:
        """Send them, within seconds. What the collector refuses is logged, and counted anew the next time."""
        span = tuple(to_ms(each) * 1_000_000 for each in (self._began, now))
        told = [
            Told(
                each.name,
                each.documentation,
                "s" if each.name.endswith("_seconds") else "",
                points(each, *span),
            )
            for each in families
        ]
        scope = ScopeMetrics(InstrumentationScope(NAME), told, "")
        self._exporter.export(MetricsData([ResourceMetrics(self._resource, [scope], "")]))

    def close(self) -> None:
        self._exporter.shutdown()


def points(family: Metric, began: int, now: int) -> Sum | Gauge | Histogram:
    """The points of a metric between two times in nanoseconds."""
    if family.type == "histogram":
        return Histogram([_histogram(family.name, family.samples, began, now)], WHOLE)
    numbers = [
        NumberDataPoint(each.labels, began, now, each.value)
        for each in family.samples
        if not each.name.endswith("_created")
    ]
    return Sum(numbers, WHOLE, True) if family.type == "counter" else Gauge(numbers)


def _histogram(name: str, samples: Sequence[Sample], began: int, now: int) -> HistogramDataPoint:
    """One histogram without labels; its buckets hold what lies between two bounds, not all below one."""
    below = {each.labels[BOUND]: int(each.value) for each in samples if each.name == f"{name}_bucket"}
    upto = [*below.values()]
    total = next((each.value for each in samples if each.name == f"{name}_sum"), 0.0)
    return HistogramDataPoint(
        attributes={},
        start_time_unix_nano=began,
        time_unix_nano=now,
        count=upto[-1],
        sum=total,
        bucket_counts=[after - before for before, after in zip([0, *upto], upto, strict=False)],
        explicit_bounds=[float(each) for each in [*below][:-1]],
        min=None,  # type: ignore[arg-type]  # both are optional in the protocol, and not known
        max=None,  # type: ignore[arg-type]
    )
