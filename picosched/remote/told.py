"""What a server tells, as the nouns that the engine has; of a fault the text is all there is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from picosched.clock import EPOCH
from picosched.errors import KrlError
from picosched.fields import Fields
from picosched.pico.channel import Channel, Policy
from picosched.pico.turn import WARNING, Considered, Directive, Handled, Logged, Turn
from picosched.schedule.retold import read_row
from picosched.schedule.scheduled import Scheduled
from picosched.store.journal import ENTRY, Entry
from picosched.store.picos import InstalledRow

Told = Mapping[str, Any]


def read_turn(told: Told) -> Turn:
    return Turn(
        eid=told["eid"],
        pico_id="",
        now=EPOCH,
        handled=[_handled(each) for each in told["handled"]],
        directives=[
            Directive(each["name"], each["options"], each["rid"], each["rule"]) for each in told["directives"]
        ],
        errors=[KrlError(text) for text in told["errors"]],
        log=[Logged(WARNING, "", None, text) for text in told.get("warnings", ())],
        scheduled={each["id"]: _row(each) for each in told["made"]},
        rescheduled={each["id"]: _row(each) for each in told["changed"]},
    )


def read_channel(told: Told, pico_id: str) -> Channel:
    events, queries = (Policy(tuple(told[each]["allow"]), tuple(told[each]["deny"])) for each in POLICIES)
    return Channel(told["eci"], pico_id, tuple(told["tags"]), events, queries)


POLICIES = ("events", "queries")


def read_installed(told: Told) -> InstalledRow:
    return InstalledRow(told["rid"], told["hash"], told["config"], told["origin"])


def read_entry(told: Told) -> Entry:
    entry: Entry = _entry(Fields(told, "the server's entry"), told["pico_id"])
    return entry


_entry = ENTRY.of_map()


def _row(told: Told) -> Scheduled:
    return read_row(Fields(told, "the server's row"), told["pico_id"])


def _handled(told: Told) -> Handled:
    considered = [Considered(**each) for each in told["considered"]]
    return Handled(told["domain"], told["type"], told["attrs"], considered)
