"""Records and their field tables: what is written of a record is read back as it was."""

from __future__ import annotations

from dataclasses import fields, replace

import orjson
import pytest
from store.written import FULL, PAST, ROWS, turn_of_all_kinds

from picosched import Scheduled, Store
from picosched.errors import PicoschedError
from picosched.fields import Fields
from picosched.schedule.fire import FIRE
from picosched.schedule.record import Table
from picosched.schedule.retold import read_fire, read_row
from picosched.schedule.scheduled import SCHEDULED
from picosched.schedule.shown import shown_fire, shown_row
from picosched.store.journal import ENTRY, of_entry, of_turn

UNTOLD = dict.fromkeys(("eci", "keep_until", "spaced_from", "started_by", "trace", "machine"))
"""The fields of a schedule that are not in JSON."""


@pytest.mark.parametrize("table", [SCHEDULED, FIRE, ENTRY], ids=lambda table: table.name)
def test_a_table_has_every_field_of_its_record(table: Table) -> None:
    named = [each.name for each in table.fields]
    assert len(named) == len({*named})
    kept = {each.name for each in fields(table.record) if each.compare}
    assert kept <= {*named}


@pytest.mark.parametrize("row", [*ROWS, FULL], ids=lambda row: row.id)
def test_a_schedule_is_read_back_from_its_json(row: Scheduled) -> None:
    told = {**orjson.loads(orjson.dumps(shown_row(replace(row, attrs={"n": 1}))))}
    assert read_row(Fields(told, "it"), "p") == replace(row, attrs={"n": 1}, **UNTOLD)


def test_a_fire_is_read_back_from_its_json() -> None:
    assert read_fire(Fields({"id": PAST.id, **shown_fire(PAST)}, "it"), "p") == PAST


def test_a_turn_and_its_entry_make_the_same_row() -> None:
    turn, fire = turn_of_all_kinds()
    store = Store()
    with store.transaction():
        store.write(turn, fire)
    assert of_entry(store.journal.entries()[0]) == of_turn(replace(turn, inputs=None), fire)
    store.close()


@pytest.mark.parametrize(
    "name, value, wanted",
    [
        ("status", "gone", 'it.status: found "gone", wanted one of pending, paused, finished, cancelled'),
        ("jitter", -1, "it.jitter: found -1, wanted a number from 0 to 604,800"),
        ("count", 0, "it.count: found 0, wanted a whole number from 1 to 1,000,000,000"),
        ("misfire", "never", 'it.misfire: found "never", wanted one of once, skip, all'),
    ],
)
def test_a_value_that_a_field_cannot_have_is_named(name: str, value: object, wanted: str) -> None:
    with pytest.raises(PicoschedError) as caught:
        read_row(Fields({**shown_row(FULL), name: value}, "it"), "p")
    assert caught.value.message == wanted
