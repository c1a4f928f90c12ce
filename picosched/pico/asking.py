"""Asks another pico to handle an event first and answer a query then, for a rule that waits for both."""

from __future__ import annotations

from collections.abc import Mapping

from picosched.errors import KrlError
from picosched.hashed import id_of
from picosched.krl.requests import EventQuery, EventQueryAnswer
from picosched.krl.scope import Value
from picosched.krl.text import json_text, json_value, measured, of_text
from picosched.pico.channel import Channel
from picosched.pico.event import Query
from picosched.pico.said import Speaking


def ask_after(
    effects: Speaking, channel: Channel, domain: str, type: str, attrs: Mapping[str, Value], query: Query
) -> Value:
    """The value of the query; the policies of the channel are checked before anything happens.

    The event is raised outside this turn, which is evaluated again with the answer. Its key is made of all
    that is asked, so that the same question of the same turn makes the event happen once.
    """
    effects.speaking("raise an event in another pico")
    for what, refusal in (
        (f"event {domain}:{type}", channel.events.refusal(domain, type)),
        (f"query {query.rid}:{query.name}", channel.queries.refusal(query.rid, query.name)),
    ):
        if refusal:
            raise KrlError(f"the {what} is {refusal}", code="refused")
    if channel.pico_id == effects.pico.id:
        raise KrlError("a pico cannot wait for an event of its own: raise it", code="conflict")
    texts = [json_text(measured(dict(each))[0]) for each in (attrs, query.args)]
    parts = (channel.pico_id, channel.eci, domain, type, texts[0], query.rid, query.name, texts[1])
    assert effects.cause is not None
    asked = "\0".join((effects.pico.id, effects.cause.identity, str(effects.asked), *parts))
    once = id_of(asked)
    answer = effects.answer(EventQuery(*parts, once), sum(map(of_text, parts)))
    assert isinstance(answer, EventQueryAnswer)
    if answer.error is not None:
        raise KrlError(answer.error.message, code=answer.error.code)
    effects.say(answer.size, for_good=True)
    return json_value(answer.value)
