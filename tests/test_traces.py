"""Spans of turns: what they tell, what they are linked to, and that a turn which came to nothing has none."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass, field

import pytest
from opentelemetry.sdk.trace import ReadableSpan, TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from opentelemetry.trace import SpanContext, SpanKind, StatusCode

from picosched import Engine, PicoschedError, VirtualClock
from picosched.krl.requests import HttpRequest, HttpResponse

START = "2026-03-01T00:00:00Z"
PARENT = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"

RULESET = """
ruleset tea {
  meta { shares cups }
  global { cups = function() { 1 } }
  rule start {
    select when tea started
    fired { schedule tea event "ready" at time:add(time:now(), {"minutes": 4}) }
  }
  rule ready { select when tea ready send_directive("say", {"text": "tea"}) }
  rule pass { select when tea passed
    event:send({"eci": event:attrs{"eci"}, "domain": "tea", "type": "ready"})
  }
  rule away { select when tea away
    event:send({"eci": "somebody", "domain": "tea", "type": "ready"}, "http://127.0.0.1:9")
  }
  rule spill { select when tea spilt send_directive("sum", {"n": time:add("soon", {"days": 1})}) }
  rule ask { select when tea asked
    ctx:eventQuery(event:attrs{"eci"}, "tea", "ready", {}, "tea", "cups") setting(cups)
  }
  rule look { select when tea looked pre { got = http:get("http://127.0.0.1:9/") }
    send_directive("got", {"status": got{"status_code"}})
  }
}
"""


@dataclass
class Traced:
    """An engine with its spans, on a clock that the test moves."""

    file: str
    clock: VirtualClock = field(default_factory=lambda: VirtualClock(START))
    asked: list[HttpRequest] = field(default_factory=list)
    kept: InMemorySpanExporter = field(default_factory=InMemorySpanExporter)

    def opened(self) -> Engine:
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(self.kept))
        allowed = ("127.0.0.1",)
        return Engine(
            self.file, self.clock, outside=self._answer, tracer_provider=provider, http_allow=allowed
        )

    def _answer(self, request: HttpRequest) -> HttpResponse:
        self.asked.append(request)
        return HttpResponse(200, "OK")

    def spans(self, name: str) -> list[ReadableSpan]:
        return [each for each in self.kept.get_finished_spans() if each.name == name]

    def span(self, name: str) -> ReadableSpan:
        (found,) = self.spans(name)
        return found


@pytest.fixture
def traced(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Traced]:
    traced = Traced(str(tmp_path_factory.mktemp("traced") / "picos.db"))
    with traced.opened() as engine:
        engine.root.install(RULESET)
    yield traced


def place(span: ReadableSpan) -> SpanContext:
    assert span.context is not None
    return span.context


def header_of(span: ReadableSpan) -> str:
    return f"00-{place(span).trace_id:032x}-{place(span).span_id:016x}-01"


def test_a_span_tells_the_event_and_the_rules_that_fired(traced: Traced) -> None:
    with traced.opened() as engine:
        turn = engine.root.raise_event("tea", "ready")
        engine.root.raise_event("tea", "cold")
        engine.root.raise_event("tea", "spilt")
        span = traced.span("tea:ready")
        assert span.attributes == {
            "picosched.pico": engine.root.id,
            "picosched.event.domain": "tea",
            "picosched.event.type": "ready",
            "picosched.eid": turn.eid,
            "picosched.rules": ("tea.ready",),
            "picosched.outcome": "fired",
        }
    assert (span.kind, span.parent, span.links) == (SpanKind.INTERNAL, None, ())
    assert traced.span("tea:cold").attributes["picosched.outcome"] == "none"  # type: ignore[index]
    spilt = traced.span("tea:spilt")
    assert spilt.status.status_code is StatusCode.ERROR
    assert "soon" in (spilt.status.description or "")


def test_a_fire_is_linked_to_the_turn_that_scheduled_it_also_after_a_restart(traced: Traced) -> None:
    with traced.opened() as engine:
        turns = [engine.root.raise_event("tea", "started") for _ in range(2)]  # in one millisecond
        rows = {id: turn.eid for turn in turns for id in turn.scheduled}
    traced.clock.advance(minutes=10)
    with traced.opened() as engine:
        engine.run_due()
    makers = {each.attributes["picosched.eid"]: each for each in traced.spans("tea:started")}  # type: ignore[index]
    fires = traced.spans("tea:ready")
    assert len(fires) == len(makers) == 2
    for fire in fires:
        assert fire.attributes is not None
        maker = makers[rows[str(fire.attributes["picosched.schedule"])]]
        (link,) = fire.links
        assert (link.context.trace_id, link.context.span_id) == (place(maker).trace_id, place(maker).span_id)
        assert place(fire).trace_id != place(maker).trace_id
        assert (fire.parent, fire.kind) == (None, SpanKind.CONSUMER)
        assert fire.attributes["picosched.outcome"] == "late"
        assert fire.attributes["picosched.due"] == "2026-03-01T00:04:00Z"
        assert fire.attributes["picosched.lateness"] == 360.0


def test_a_message_to_another_pico_continues_the_trace(traced: Traced) -> None:
    with traced.opened() as engine:
        other = engine.new_pico("other")
        other.install(RULESET)
        engine.root.raise_event("tea", "passed", {"eci": other.new_channel().eci})
        engine.run_due()
    sent, got = traced.span("tea:passed"), traced.span("tea:ready")
    assert got.parent is not None and got.parent.span_id == place(sent).span_id
    assert place(got).trace_id == place(sent).trace_id
    assert got.links == ()


def test_the_turn_of_a_question_is_a_child_of_the_turn_that_asks(traced: Traced) -> None:
    with traced.opened() as engine:
        other = engine.new_pico("other")
        other.install(RULESET)
        engine.root.raise_event("tea", "asked", {"eci": other.new_channel().eci})
    asked, got = traced.span("tea:asked"), traced.span("tea:ready")
    assert got.parent is not None and got.parent.span_id == place(asked).span_id
    assert place(got).trace_id == place(asked).trace_id


def test_a_header_is_the_parent_and_requests_carry_the_span(traced: Traced) -> None:
    with traced.opened() as engine:
        eci = engine.root.new_channel().eci
        headers = {"_headers": {"traceparent": PARENT}}
        engine.raise_event(eci, "tea", "looked", headers)
        engine.raise_event(eci, "tea", "away", headers)
        engine.run_due()
    looked, away = traced.span("tea:looked"), traced.span("tea:away")
    for span in (looked, away):
        assert span.kind is SpanKind.SERVER
        assert span.parent is not None and f"{span.parent.span_id:016x}" == PARENT.split("-")[2]
        assert f"{place(span).trace_id:032x}" == PARENT.split("-")[1]
    carried = [dict(each.headers).get("traceparent") for each in traced.asked]
    assert carried == [header_of(looked), header_of(away)]


def test_attributes_that_a_schedule_hands_on_are_no_headers(traced: Traced) -> None:
    with traced.opened() as engine:
        engine.root.raise_event("tea", "cold", {"_headers": {"traceparent": PARENT}})
    assert traced.span("tea:cold").parent is None


def test_what_was_undone_has_no_span(traced: Traced) -> None:
    with traced.opened() as engine:

        def work() -> None:
            engine.turns.raise_event(piece)
            raise PicoschedError("no", "conflict")

        from picosched.turns.pieces import RaiseEvent

        piece = RaiseEvent(engine.new_event("tea", "ready"), engine.root.id)
        with pytest.raises(PicoschedError, match="no"):
            engine.write(work)
        assert traced.kept.get_finished_spans() == ()
        engine.raise_one(piece.event, engine.root.id)
    assert len(traced.spans("tea:ready")) == 1


def test_a_row_of_an_engine_without_traces_has_no_place(traced: Traced) -> None:
    with Engine(traced.file, traced.clock) as engine:
        (row,) = engine.root.raise_event("tea", "started").scheduled.values()
        assert row.trace is None
    traced.clock.advance(minutes=10)
    with traced.opened() as engine:
        engine.run_due()
    assert traced.span("tea:ready").links == ()


def test_without_the_package_an_engine_with_the_setting_says_so_and_holds_nothing(
    traced: Traced, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "opentelemetry.context", None)
    monkeypatch.delitem(sys.modules, "picosched.turns.traces", raising=False)
    with pytest.raises(PicoschedError, match=r"pip install 'picosched\[otel\]'"):
        Engine(traced.file, otlp="http://127.0.0.1:9")
    with Engine(traced.file) as engine:
        assert "tea" in engine.root.rulesets()


def test_the_setting_is_for_real_time_only() -> None:
    """A simulation must not send what never happened."""
    with Engine(clock=VirtualClock(START), otlp="http://127.0.0.1:9") as engine:
        assert engine.settings.otlp
        (row,) = (engine.root.install(RULESET), engine.root.raise_event("tea", "started").scheduled.values())[
            1
        ]
        assert row.trace is None
