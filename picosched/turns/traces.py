"""Traces of OpenTelemetry: a span for each turn, from the arrival of its event to its commit.

A span is begun at the first try of a turn, so that the requests of its rules can carry its place in the
trace, and is ended when the turn is durable; that of a turn which came to nothing is dropped. The rows that a
turn makes keep its place. A message or a delivery continues the trace from there, while the fire of a
schedule, which may come much later, begins a trace of its own with a link to the turn that scheduled it.

An engine without the setting `otlp` has none of this, and does not import it.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace as changed
from datetime import datetime
from importlib.metadata import version
from socket import SHUT_RDWR, socket
from threading import Timer
from typing import Any

from picosched.clock import format_time, to_ms
from picosched.errors import PicoschedError
from picosched.frozen import replace
from picosched.krl.requests import TRACEPARENT
from picosched.pico.event import Event
from picosched.pico.pico import Pico
from picosched.pico.said import Answers
from picosched.pico.turn import Turn
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Scheduled

try:
    from opentelemetry.context import Context
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import OTELResourceDetector, Resource
    from opentelemetry.sdk.trace import TracerProvider as SdkTracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor
    from opentelemetry.trace import (
        Link,
        Span,
        SpanKind,
        StatusCode,
        TracerProvider,
        get_current_span,
        set_span_in_context,
    )
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
    from requests import Response, Session
    from requests.adapters import HTTPAdapter
    from urllib3 import HTTPConnectionPool, HTTPSConnectionPool
    from urllib3.connection import HTTPConnection, HTTPSConnection
except ImportError as cause:
    raise PicoschedError(
        "traces need OpenTelemetry: install it with pip install 'picosched[otel]'", "not_found"
    ) from cause

PROPAGATOR = TraceContextTextMapPropagator()
NAME = "picosched"

SEND_SECONDS = 3.0
"""How long the collector may take for what it is sent."""

MOST_RULES = 100
"""Rules named in a span."""


class Traces:
    """The spans of an engine's turns. For one thread at a time, inside a transaction."""

    def __init__(self, provider: TracerProvider | None, url: str, now: Callable[[], datetime]) -> None:
        """Without a provider, spans are sent to the collector at `url`."""
        self._own = sending_to(url) if provider is None else None
        self._tracer = (provider or self._own or SdkTracerProvider()).get_tracer(NAME, version(NAME))
        self._now = now
        self._current = Answers()
        """Of the turn that is being evaluated."""
        self._written: list[Span] = []
        """Of turns that are written and not yet durable."""

    def begin(self, pico: Pico, event: Event, answers: Answers, settled: Scheduled | None) -> None:
        """A turn is tried: its span begins, if this is the first time."""
        self._current = answers
        if answers.span is not None:
            return
        # Never the calling thread's own context: that thread may work for others.
        context, links, kind = Context(), list[Link](), SpanKind.INTERNAL
        if settled is not None:
            kind = SpanKind.CONSUMER
            if settled.trace is not None:
                maker = _read(settled.trace)
                if settled.is_schedule:
                    links = [Link(get_current_span(maker).get_span_context())]
                else:
                    context = maker
        elif event.trace is not None:
            kind = SpanKind.INTERNAL if event.host is None else SpanKind.SERVER
            context = _read(event.trace)
        elif event.eci is not None and isinstance(headers := event.attrs.get("_headers"), dict):
            kind, context = SpanKind.SERVER, PROPAGATOR.extract(headers, Context())
        answers.span = self._tracer.start_span(
            event.key, context, kind, links=links, start_time=_nanoseconds(event.time)
        )
        carried: dict[str, str] = {}
        PROPAGATOR.inject(carried, _with(answers.span))
        answers.trace = carried.get(TRACEPARENT)
        answers.span.set_attributes(
            {
                "picosched.pico": pico.id,
                "picosched.event.domain": event.domain,
                "picosched.event.type": event.type,
                "picosched.eid": event.eid,
            }
        )

    def mark(self, turn: Turn) -> None:
        """Write the place of a turn in its trace into the rows that it makes."""
        trace = self._current.trace
        for id, row in turn.scheduled.items():
            turn.scheduled[id] = replace(row, trace=trace)
        turn.deliveries = [changed(each, trace=trace) for each in turn.deliveries]

    def write(self, turn: Turn, fire: Fire | None) -> None:
        """A turn was written, with the occurrence that caused it."""
        span: Span = self._current.span
        fired = turn.fired
        span.set_attribute("picosched.rules", fired[:MOST_RULES])
        outcome = "failed" if turn.errors else "fired" if fired else "none"
        if fire is not None:
            outcome = fire.outcome.value
            span.set_attribute("picosched.schedule", fire.id)
            span.set_attribute("picosched.due", format_time(fire.nominal))
            span.set_attribute("picosched.lateness", fire.lateness)
        span.set_attribute("picosched.outcome", outcome)
        if turn.errors:
            span.set_status(StatusCode.ERROR, str(turn.errors[0]))
        self._written.append(span)

    def committed(self) -> None:
        """What was written is durable."""
        if self._written:
            end = _nanoseconds(self._now())
            for span in self._written:
                span.end(end)

    def forget(self) -> None:
        """What was written is durable and told, or was undone."""
        self._written = []

    def close(self) -> None:
        """Send what was not sent yet, within seconds. A provider of the caller's own stays open."""
        if self._own is not None:
            self._own.shutdown()
            self._own = None


class _Ending:
    """A connection whose answer has begun in time, or is cut off, however slowly its headers drip in."""

    sock: socket | None

    def getresponse(self) -> Any:
        timer = Timer(SEND_SECONDS, _cut, (self.sock,))
        timer.start()
        try:
            return super().getresponse()  # type: ignore[misc]
        finally:
            timer.cancel()


def _cut(connection: socket | None) -> None:
    if connection is not None:
        with suppress(OSError):  # it was closed meanwhile
            connection.shutdown(SHUT_RDWR)


class _Connection(_Ending, HTTPConnection): ...


class _SecureConnection(_Ending, HTTPSConnection): ...


class _Pool(HTTPConnectionPool):
    ConnectionCls = _Connection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _SecureConnection


class Unread(Session):
    """Requests of whose answers nobody reads more than the status and the headers.

    So a collector that answers without end, or hardly, costs neither memory nor time.
    """

    def __init__(self) -> None:
        super().__init__()
        adapter = HTTPAdapter()
        adapter.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}
        for scheme in ("http://", "https://"):
            self.mount(scheme, adapter)

    def request(self, *of: Any, **options: Any) -> Response:
        answer = super().request(*of, **{**options, "stream": True})
        answer.close()
        return answer


def sending_to(url: str) -> SdkTracerProvider:
    """A provider that sends spans to the collector at a URL, from a thread of its own."""
    provider = SdkTracerProvider(resource=resource())
    exporter = OTLPSpanExporter(f"{url}/v1/traces", timeout=SEND_SECONDS, session=Unread())
    provider.add_span_processor(BatchSpanProcessor(exporter))
    return provider


def resource() -> Resource:
    """Who sends: picosched, or what `OTEL_SERVICE_NAME` and `OTEL_RESOURCE_ATTRIBUTES` say."""
    ours = Resource.create({"service.name": NAME, "service.version": version(NAME)})
    return ours.merge(OTELResourceDetector().detect())


def _read(trace: str) -> Context:
    return PROPAGATOR.extract({TRACEPARENT: trace}, Context())


def _with(span: Span) -> Context:
    return set_span_in_context(span, Context())


def _nanoseconds(time: datetime) -> int:
    return to_ms(time) * 1_000_000
