"""The ruleset `poll` with a world that answers: a transcript has none."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from picosched.krl.requests import HttpRequest
from picosched.rehearsal.pico import rehearsed

POLL = Path(__file__).parent.parent / "rulesets" / "poll.krl"
ENTRIES = [
    {"name": "roof", "expr": "0 */10 * * * *", "payload": {"url": "http://roof.example/state"}},
    {"name": "cellar", "expr": "0 0 * * * *", "payload": {"url": "http://cellar.example/state"}},
]


def test_answers_are_merged_and_faults_are_kept_until_the_next_answer() -> None:
    answers: dict[str, list[Any]] = {
        "http://roof.example/state": [{"warm": 3, "wind": 7}, 503, {"warm": 4}],
        "http://cellar.example/state": ["no JSON"],
    }

    def answer(request: HttpRequest) -> Any:
        return answers[request.url].pop(0)

    with rehearsed("2026-03-01T09:00:30Z") as pico:
        pico.install(POLL)
        pico.answers(answer)
        source = {"type": "crononome", "to": {"pico": "root"}, "entries": ENTRIES}
        pico.engine.add_source(source)
        pico.advance(minutes=15)
        assert pico.query("poll", "state") == {"roof": {"warm": 3, "wind": 7}}
        pico.advance(minutes=10)
        assert [*pico.query("poll", "faults")] == ["roof"]
        pico.advance(minutes=10)
        assert pico.query("poll", "state") == {"roof": {"warm": 4, "wind": 7}}
        assert pico.query("poll", "faults") == {}
        answers["http://roof.example/state"] = [{}, {}, {}]
        pico.advance(minutes=25)
        assert [*pico.query("poll", "faults")] == ["cellar"]
