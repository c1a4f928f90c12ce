"""Replays the request log of a ruleset on an engine of its own, and compares outcome by outcome.

A log is the file NAME.json beside NAME.krl: a list of steps, each with the outcome that is expected.

    {"install": "todo", "config": {…}}            {"installed": RID}
    {"event": "todo:new", "attrs": {…}}           {"directives": [{"name", "options", "rule": "RID.RULE"}]}
    {"query": "todo/items", "args": {…}}          {"answer": JSON}
    {"wait": SECONDS}                             no outcome: the clock moves, and what is due is raised

Any of them may be `{"error": MESSAGE}`; that there is an error is compared, its message is not. The outcomes
in `node/` are those of the Node engine 1.3.0, except for steps with a reason `by hand`; those in `classic/`
are written by hand. A step whose outcome is meant to differ names, as `meant`, the first cell of its row in
docs/language-differences.md.

Both engines' clocks start at START and stand still except for `wait`. Ids differ, so an outcome has `<id N>`
for the Nth id of its log; attributes and arguments may name one in the same way. HTTP requests are answered
by `echo`, with what was asked.
"""

from __future__ import annotations

import json
import re
from base64 import b64encode
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from picosched import Engine, PicoschedError, Turn, VirtualClock
from picosched.engine.standard import install_standard
from picosched.krl.requests import HttpRequest, HttpResponse
from picosched.standard import ALL

START = "2026-03-01T00:00:00Z"
HOST = "http://engine.example"

ID = re.compile(r"\b[0-9a-f]{32}\b")
NAMED = re.compile(r"<id (\d+)>")


@dataclass(frozen=True)
class Outcome:
    """What a step should do and what it did."""

    log: str
    step: dict[str, Any]
    found: dict[str, Any]

    @property
    def kind(self) -> str:
        return next(kind for kind in ("install", "event", "query") if kind in self.step)

    @property
    def asked(self) -> str:
        return str(self.step[self.kind])

    @property
    def wanted(self) -> dict[str, Any]:
        wanted: dict[str, Any] = self.step["outcome"]
        return wanted

    @property
    def same(self) -> bool:
        if "error" in self.wanted or "error" in self.found:
            return "error" in self.wanted and "error" in self.found
        return canonical(self.wanted) == canonical(self.found)


def canonical(value: Any) -> str:
    """JSON in which only equal values are alike: true is not 1, but 1.0 is 1."""
    return json.dumps(whole(value), sort_keys=True, ensure_ascii=False)


def whole(value: Any) -> Any:
    match value:
        case float() if value.is_integer():
            return int(value)
        case list():
            return [whole(each) for each in value]
        case dict():
            return {key: whole(each) for key, each in value.items()}
    return value


def logs(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.json"))


def replay(log: Path) -> list[Outcome]:
    """The outcomes of a log, in order."""
    steps = json.loads(log.read_text(encoding="utf-8"))
    with Stage(log.parent) as stage:
        return [Outcome(log.stem, step, found) for step in steps if (found := stage.take(step)) is not None]


class Stage:
    """An engine on a virtual clock, its root pico, and the ids it has shown."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._clock = VirtualClock(START)
        self._engine = Engine(
            clock=self._clock, granularity=1, seed=1, outside=echo, base_url=HOST, install_from=(str(folder),)
        )
        self._eci = self._engine.root.new_channel(tags=["t"]).eci
        self._ids: list[str] = []

    def __enter__(self) -> Stage:
        return self

    def __exit__(self, *_: object) -> None:
        self._engine.close()

    def take(self, step: dict[str, Any]) -> dict[str, Any] | None:
        try:
            match step:
                case {"wait": seconds}:
                    self._engine.run_until(self._clock.now() + timedelta(seconds=seconds))
                    return None
                case {"install": name}:
                    return self._install(name, step.get("config"))
                case {"event": named}:
                    domain, _, type = named.partition(":")
                    attrs = self._given(step.get("attrs", {}))
                    return self._told(self._engine.raise_event(self._eci, domain, type, attrs))
                case {"query": named}:
                    rid, _, name = named.partition("/")
                    answer = self._engine.query(self._eci, rid, name, self._given(step.get("args", {})))
                    return {"answer": self._plain(answer)}
        except PicoschedError as error:
            return self._error(error)
        raise ValueError(f"found the step {step}, wanted install, event, query or wait")

    def _install(self, name: str, config: dict[str, Any] | None) -> dict[str, Any]:
        if name in ALL:
            install_standard(self._engine)
            return {"installed": name}
        ruleset = self._engine.root.install(self._folder / f"{name}.krl", config)
        found: dict[str, Any] = {"installed": ruleset.rid}
        if ruleset.inactive:
            found["inactive"] = dict(ruleset.inactive)
        return found

    def _told(self, turn: Turn) -> dict[str, Any]:
        self._engine.run_due()
        if turn.errors:
            return self._error(*turn.errors)
        return {
            "directives": [
                {"name": each.name, "options": self._plain(each.options), "rule": f"{each.rid}.{each.rule}"}
                for each in turn.directives
            ]
        }

    def _error(self, *errors: PicoschedError) -> dict[str, Any]:
        told = "; ".join(map(str, errors)).replace(f"{self._folder}/", "")
        return {"error": self._plain(told)}

    def _plain(self, value: Any) -> Any:
        def named(found: re.Match[str]) -> str:
            if found[0] not in self._ids:
                self._ids.append(found[0])
            return f"<id {self._ids.index(found[0]) + 1}>"

        return json.loads(ID.sub(named, json.dumps(value, sort_keys=True)))

    def _given(self, values: dict[str, Any]) -> Any:
        return json.loads(NAMED.sub(lambda found: self._ids[int(found[1]) - 1], json.dumps(values)))


def echo(request: HttpRequest) -> HttpResponse:
    """Answers with the request; the path /status/N is answered with that status."""
    url = urlsplit(request.url)
    headers = {name.lower(): value for name, value in request.headers}
    known = None
    if request.auth is not None:
        known = "Basic " + b64encode(":".join(request.auth).encode()).decode()
    status = int(url.path.removeprefix("/status/")) if url.path.startswith("/status/") else 200
    told = {
        "method": request.method,
        "path": url.path,
        "query": url.query,
        "type": headers.get("content-type"),
        "authorization": headers.get("authorization", known),
        "body": request.body.decode(),
    }
    body = json.dumps(told, separators=(",", ":"), ensure_ascii=False).encode()
    answered = (("content-type", "application/json"), ("content-length", str(len(body))))
    return HttpResponse(status, "OK" if status == 200 else "Other", answered, body)
