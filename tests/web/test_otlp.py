"""What a collector of OpenTelemetry gets from a server: real OTLP over HTTP, read as its protocol says."""

from __future__ import annotations

import gzip
import http.server
import threading
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from web.served import Served, eci_of

pytestmark = pytest.mark.slow

MUCH = 200_000_000
"""Bytes of an answer; what sockets hold of it is much less."""

PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"


class Collector(http.server.ThreadingHTTPServer):
    """A collector, and a page that rules can ask for."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Receiving)
        self.spans: list[Any] = []
        self.metrics: dict[str, Any] = {}
        self.services: set[str] = set()
        self.asked: list[str | None] = []
        """The `traceparent` of each request that a rule made."""
        self.url = f"http://127.0.0.1:{self.server_port}"


class Endless(http.server.BaseHTTPRequestHandler):
    """Answers with far more than anybody wants to read, and counts what was taken."""

    taken = 0

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        self.send_response(200)
        self.end_headers()
        try:
            while Endless.taken < MUCH:
                Endless.taken += self.wfile.write(b"x" * 100_000)
        except OSError:  # it is not read
            pass

    def log_message(self, *_: object) -> None:
        pass


class Dripping(http.server.BaseHTTPRequestHandler):
    """Sends its headers a byte at a time, and says when nobody listens any more."""

    cut = threading.Event()

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers["content-length"]))
        pause = threading.Event()
        try:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow: ")
            while not pause.wait(0.1):
                self.wfile.write(b"x")
        except OSError:
            Dripping.cut.set()

    def log_message(self, *_: object) -> None:
        pass


class Receiving(http.server.BaseHTTPRequestHandler):
    server: Collector

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["content-length"]))
        if self.headers.get("content-encoding") == "gzip":
            body = gzip.decompress(body)
        if self.path == "/v1/traces":
            for each in ExportTraceServiceRequest.FromString(body).resource_spans:
                self.server.services |= {
                    a.value.string_value for a in each.resource.attributes if a.key == "service.name"
                }
                self.server.spans += [span for scope in each.scope_spans for span in scope.spans]
        elif self.path == "/v1/metrics":
            for each in ExportMetricsServiceRequest.FromString(body).resource_metrics:
                self.server.metrics |= {m.name: m for scope in each.scope_metrics for m in scope.metrics}
        self._say(b"")

    def do_GET(self) -> None:
        self.server.asked.append(self.headers.get("traceparent"))
        self._say(b"a page")

    def _say(self, body: bytes) -> None:
        self.send_response(200)
        self.send_header("content-length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


def number(point: Any) -> float:
    value: float = getattr(point, point.WhichOneof("value"))
    return value


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as made:
        serving = threading.Thread(target=made.serve_forever, args=(0.01,))
        serving.start()
        yield made
        made.shutdown()
        serving.join()


def test_a_server_sends_its_turns_and_its_metrics(
    served: Callable[..., Served], collector: Collector
) -> None:
    site = served(
        "echo.krl", "--open", PICOSCHED_OTLP=collector.url, PICOSCHED_HTTP_ALLOW="127.0.0.1",
        OTEL_SERVICE_NAME="kitchen",
    )  # fmt: skip
    url = f"{site.url}/c/{eci_of(site)}/event-wait/echo/asks"
    answer = httpx.get(url, params={"url": f"{collector.url}/page"}, headers={"traceparent": PARENT})
    assert answer.json()["directives"][0]["options"] == {"text": "a page"}
    event = {"domain": "echo", "type": "back"}
    for path in ("picos/root", f"channels/{eci_of(site)}"):
        httpx.post(f"{site.url}/api/{path}/raise", json=event, headers={"traceparent": PARENT})
    assert site.stop() == 0

    trusted = [each for each in collector.spans if each.name == "echo:back"]
    assert [each.kind for each in trusted] == [Span.SPAN_KIND_SERVER] * 2
    for each in trusted:
        assert (each.trace_id.hex(), each.parent_span_id.hex()) == tuple(PARENT.split("-")[1:3])
    (span,) = [each for each in collector.spans if each.name == "echo:asks"]
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == tuple(PARENT.split("-")[1:3])
    told = {each.key: each.value for each in span.attributes}
    assert told["picosched.outcome"].string_value == "fired"
    assert [each.string_value for each in told["picosched.rules"].array_value.values] == ["echo.asks"]
    assert 0 < span.end_time_unix_nano - span.start_time_unix_nano < 30 * 10**9
    assert collector.asked == [f"00-{span.trace_id.hex()}-{span.span_id.hex()}-01"]
    assert collector.services == {"kitchen"}

    metrics = collector.metrics
    path = "/c/:eci/event-wait/:domain/:type"
    requests = {
        tuple(sorted((a.key, a.value.string_value) for a in point.attributes)): number(point)
        for point in metrics["picosched_http_requests"].sum.data_points
    }
    assert requests[("path", path), ("status", "200")] == 1
    assert metrics["picosched_turns"].sum.is_monotonic
    (turns,) = metrics["picosched_turns"].sum.data_points
    assert number(turns) >= len(collector.spans) > 0
    (scheduled,) = metrics["picosched_scheduled"].gauge.data_points
    assert number(scheduled) == 0
    (seconds,) = metrics["picosched_http_turn_seconds"].histogram.data_points
    assert (seconds.count, sum(seconds.bucket_counts)) == (1, 1)
    assert len(seconds.bucket_counts) == len(seconds.explicit_bounds) + 1
    assert 0 < seconds.sum < 30


def test_a_collector_that_is_gone_keeps_nobody(served: Callable[..., Served]) -> None:
    site = served("echo.krl", "--open", PICOSCHED_OTLP="http://127.0.0.1:9")
    answer = httpx.get(f"{site.url}/c/{eci_of(site)}/event-wait/echo/back")
    assert answer.status_code == 200
    assert site.stop() == 0


def test_a_collector_that_answers_without_end_is_not_read(served: Callable[..., Served]) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Endless) as endless:
        serving = threading.Thread(target=endless.serve_forever, args=(0.01,))
        serving.start()
        site = served("echo.krl", "--open", PICOSCHED_OTLP=f"http://127.0.0.1:{endless.server_port}")
        assert httpx.get(f"{site.url}/c/{eci_of(site)}/event-wait/echo/back").status_code == 200
        assert site.stop() == 0
        endless.shutdown()
        serving.join()
    assert 0 < Endless.taken < MUCH / 2


def test_a_collector_whose_headers_drip_in_is_left(served: Callable[..., Served]) -> None:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Dripping) as dripping:
        dripping.daemon_threads = True
        serving = threading.Thread(target=dripping.serve_forever, args=(0.01,))
        serving.start()
        try:
            site = served("echo.krl", "--open", PICOSCHED_OTLP=f"http://127.0.0.1:{dripping.server_port}")
            event = {"domain": "echo", "type": "back"}
            raised = httpx.post(f"{site.url}/api/picos/root/raise", json=event, timeout=60)
            assert raised.status_code == 200
            assert Dripping.cut.wait(40)
            assert site.stop() == 0
        finally:
            dripping.shutdown()
            serving.join()
