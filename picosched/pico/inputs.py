"""What came into a turn from outside its pico besides its event: random numbers, and answers to its requests.

They are kept with the turn in the journal, so that a replay can give it the same again. A request is known by
a mark, the hash of its method, address and body, since it may hold keys; an answer has keys covered, as all
that the journal shows, and that is noted, as rules may make something else of it then. There is a bound to
what is kept of a turn: first the answers that do not fit are left out, then the random numbers.
"""

from __future__ import annotations

import base64
import json
from dataclasses import dataclass, field
from typing import Any

import orjson

from picosched.covered import Covers
from picosched.errors import PicoschedError
from picosched.hashed import id_of
from picosched.krl.requests import EventQueryAnswer, HttpRequest, HttpResponse, Request, Response
from picosched.pico.chance import Tape
from picosched.pico.said import Answers

NONE = ""
"""What is kept of a turn that drew and asked nothing."""

NOTHING_KEPT = '{"drawn":null,"given":[]}'
"""What is kept of a turn that drew too many numbers."""

BYTES_AS_TEXT = "surrogateescape"
"""How bytes that are no UTF-8 become a text in which keys are found, and bytes again."""

GIVEN = 64
"""Bytes of an answer besides what it holds."""


@dataclass(slots=True)
class Inputs:
    """The inputs of a turn, as they were kept."""

    drawn: Tape | None
    """None if the numbers were too many to be kept."""
    given: list[tuple[str, Response | None]] = field(default_factory=list)
    """The mark of each request, and its answer; None if that was too large to be kept."""
    covered: frozenset[str] = frozenset()
    """The marks of the requests in whose answers keys are covered."""


def mark_of(request: Request) -> str:
    """A text by which a request is known, and from which nothing of it can be read."""
    if isinstance(request, HttpRequest):
        return id_of(f"{request.method} {request.url} {request.body!r}")
    parts = (request.pico_id, request.domain, request.type, request.attrs, request.rid, request.name)
    return id_of(json.dumps([*parts, request.args]))


def kept(answers: Answers, covers: Covers, most: int) -> str | None:
    """The text of what a turn drew and was answered, of at most about `most` bytes; None if that is 0."""
    if not most:
        return None
    drawn: Any = [[bits, f"{value:x}" if bits else value] for bits, value in answers.drawn]
    if len(text := orjson.dumps({"drawn": drawn, "given": []}).decode()) > most:
        drawn, text = None, ""
    if not answers.given:
        return text or NOTHING_KEPT
    left, given = most - len(text), []
    for request, response in answers.given:
        told: Any = _covered(_told(response), covers) if _size(response) <= left else None
        left -= GIVEN + (0 if told is None else len(json.dumps(told)))
        given.append([mark_of(request), told if left >= 0 else None])
    return json.dumps({"drawn": drawn, "given": given}, separators=(",", ":"))


def read_inputs(text: str | None) -> Inputs | None:
    """The inputs in a text that `kept` made; None if nothing was kept."""
    if text is None:
        return None
    if text == NONE:
        return Inputs([])
    told = json.loads(text)
    tape = told["drawn"]
    drawn = None if tape is None else [(bits, int(value, 16) if bits else value) for bits, value in tape]
    given = [(mark, None if each is None else _response(each)) for mark, each in told["given"]]
    return Inputs(drawn, given, frozenset(mark for mark, each in told["given"] if each and "covered" in each))


def _size(response: Response) -> int:
    return len(response.body) if isinstance(response, HttpResponse) else response.size


def _covered(told: dict[str, Any], covers: Covers) -> dict[str, Any]:
    """An answer with keys covered, of which nothing but JSON is left."""
    numbers = "status", "size"
    shown = {name: each if name in numbers else covers.value(each) for name, each in told.items()}
    if shown != told:
        shown["covered"] = True
    if "bytes" in shown:
        shown["bytes"] = base64.b64encode(shown["bytes"].encode(errors=BYTES_AS_TEXT)).decode()
    return shown


def _told(response: Response) -> dict[str, Any]:
    if isinstance(response, HttpResponse):
        headers = [[name, value] for name, value in response.headers]
        told = {"status": response.status, "reason": response.reason, "headers": headers}
        try:
            return {**told, "text": response.body.decode()}
        except UnicodeDecodeError:
            return {**told, "bytes": response.body.decode(errors=BYTES_AS_TEXT)}
    if response.error is not None:
        return {"error": response.error.message, "code": response.error.code}
    return {"value": response.value, "size": response.size}


def _response(told: dict[str, Any]) -> Response:
    if "status" in told:
        body = told["text"].encode() if "text" in told else base64.b64decode(told["bytes"])
        headers = tuple((name, value) for name, value in told["headers"])
        return HttpResponse(told["status"], told["reason"], headers, body)
    if "error" in told:
        return EventQueryAnswer(error=PicoschedError(told["error"], told["code"]))
    return EventQueryAnswer(told["value"], size=told["size"])
