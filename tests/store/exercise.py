"""The contract of the store, exercised: whatever keeps picos keeps these promises.

A backend says how its stores are opened; `test_exercise.py` runs `Exercise` over each. Nothing here
knows what a store is made of.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest
from store.exercise_queues import Agenda, Due, Pages, Queues
from store.written import (
    CHANGES,
    CHANNEL,
    FULL,
    MINUTE,
    NOW,
    add,
    everything,
    fire_of,
    furnish,
    made,
    ruleset,
    turn_of_all_kinds,
    turn_that,
)

from picosched import Directive, PicoschedError, Store
from picosched.errors import KrlError
from picosched.krl.large_map import ChangedMap, StoredMap
from picosched.krl.values import MISSING
from picosched.pico.turn import Considered, Handled, Logged
from picosched.schedule.changed import cancelled
from picosched.schedule.scheduled import Status
from picosched.store.faults import StoreError
from picosched.store.picos import PicoRow


@dataclass(frozen=True)
class Backend:
    """How the stores of one kind are opened, each by a name."""

    open: Callable[[str], Store]
    """A new one, or what was committed to it by a process that closed it or was killed."""
    before_statements: Callable[[Store, Callable[[], None]], None]
    """Have something called before each statement from now on."""


class Turns:
    """What a turn writes is read back, all of it and once."""

    def test_null_deletes_a_variable_and_a_waiting_state(self, store: Store) -> None:
        with store.transaction():
            store.write(turn_that(entities={("tea", "cups"): 1}, waiting={("tea", "start"): [1]}))
            store.write(turn_that(entities={("tea", "cups"): None}, waiting={("tea", "start"): None}))
        assert store.picos.entities("p", "tea") == {}
        assert store.waiting("p", "tea") == {}

    @pytest.mark.parametrize(
        "value", [False, 0, "", [], {}, 2**70, {"a": [2**70, "\ud800"]}, "\ud800", 1.5, "é\u0000", [None]]
    )
    def test_any_json_value_comes_back_the_same(self, store: Store, value: object) -> None:
        with store.transaction():
            store.write(turn_that(entities={("tea", "v"): value}))
        assert store.entity("p", "tea", "v") == value

    def test_the_elements_of_a_large_map_keep_the_order_in_which_they_were_first_set(
        self, store: Store
    ) -> None:
        before = {"b": 1, "a": [2**70], "é\u0000\ud800": 3}

        def write(changes: list[tuple[str, Any]], below: Any = None) -> None:
            variable = below or store.variable("p", "tea", "m")
            changed = ChangedMap(variable)
            for key, value in changes:
                changed.put(key, value, 1_000)
            turn = turn_that(entities={("tea", "m"): changed})
            store.write(turn)
            if isinstance(variable, StoredMap):
                variable.take_over(changed)

        with store.transaction():
            write([], below=before)
            write([("c", 4), ("b", 5)])
            write([("c", 6), ("a", MISSING), ("d", {}), ("none", MISSING)])
            write([("b", MISSING), ("a", 7), ("b", 8)])
            write([("c", 9)])
        wanted = {"é\u0000\ud800": 3, "c": 9, "d": {}, "a": 7, "b": 8}
        assert [*store.entity("p", "tea", "m").items()] == [*wanted.items()]
        stored = store.variable("p", "tea", "m")
        assert [stored.find(key) for key in ("a", "none")] == [7, MISSING]
        copy = store.copy()
        assert [*copy.picos.entities("p", "tea")["m"].items()] == [*wanted.items()]
        copy.close()

    @pytest.mark.parametrize("value", [None, 1, {"b": 2}])
    def test_the_elements_of_a_large_map_go_when_the_variable_is_set(
        self, store: Store, value: object
    ) -> None:
        with store.transaction():
            store.write(turn_that(entities={("tea", "m"): ChangedMap({"a": 1})}))
            store.write(turn_that(entities={("tea", "m"): value}))
            store.write(turn_that(entities={("tea", "n"): ChangedMap({"a": 1})}))
        assert store.entity("p", "tea", "m") == value
        assert store.picos.elements(("p", "tea", "m")) == {}
        assert store.picos.elements(("p", "tea", "n")) == {"a": 1}

    def test_text_that_cannot_be_kept_fails_before_anything_is_written(self, store: Store) -> None:
        turn = turn_that(entities={("tea", "cups"): 1}, scheduled={"s1": made("s1", type="\ud800")})
        with store.transaction():
            before = store.changes
            with pytest.raises(PicoschedError, match="half a character"):
                store.write(turn)
            assert store.changes == before
        assert store.entity("p", "tea", "cups") is None

    def test_a_turn_settles_the_occurrence_that_caused_it(self, store: Store) -> None:
        row = made("s1", timespec="* * * * *", kind="repeat")
        add(store, row)
        settled = replace(row, due=NOW + MINUTE, fires=1, fired=NOW)
        fire = fire_of(row, rules=("tea.start",))
        with store.transaction():
            store.write(turn_that(settled=settled), fire)
        assert store.find_scheduled("s1") == settled
        assert store.agenda.fires(id="s1") == [fire]
        (entry,) = store.journal.entries()
        assert (entry.scheduled, entry.nominal) == ("s1", NOW)

    def test_an_occurrence_cannot_be_settled_twice(self, store: Store) -> None:
        row = made("s1")
        add(store, row)
        with store.transaction():
            store.write(turn_that(entities={("tea", "cups"): 1}), fire_of(row))
        with pytest.raises(PicoschedError) as caught, store.transaction():
            store.write(turn_that(eid="e2", entities={("tea", "cups"): 2}), fire_of(row, eid="e2"))
        assert caught.value.code == "conflict"
        assert store.entity("p", "tea", "cups") == 1
        assert [entry.eid for entry in store.journal.entries()] == ["e1"]
        assert [fire.eid for fire in store.agenda.fires()] == ["e1"]

    def test_a_rule_may_cancel_the_schedule_that_raised_it(self, store: Store) -> None:
        row = made("s1", timespec="* * * * *", kind="repeat")
        add(store, row)
        settled = replace(row, due=NOW + MINUTE, fires=1)
        changed = cancelled(settled, NOW, "e1")
        assert changed is not None and changed[1] is not None
        with store.transaction():
            store.write(
                turn_that(rescheduled={"s1": changed[0]}, records=[changed[1]], settled=settled), fire_of(row)
            )
        kept = store.find_scheduled("s1")
        assert kept is not None
        assert (kept.status, kept.due, kept.keep_until) == (Status.CANCELLED, None, NOW + timedelta(days=30))
        assert [(fire.nominal, fire.outcome) for fire in store.agenda.fires()] == [
            (NOW + MINUTE, "cancelled"),
            (NOW, "fired"),
        ]

    def test_a_value_that_no_database_takes_is_the_fault_of_who_gives_it(self, store: Store) -> None:
        for ask in (
            lambda: store.journal.entries(limit=2**63),
            lambda: store.journal.entries(after=-(2**63) - 1),
            lambda: store.agenda.fires(id="\ud800"),
            lambda: store.picos.find_pico("\ud800"),
        ):
            with pytest.raises(PicoschedError, match="does not support") as found:
                ask()
            assert found.value.code == "invalid" and not isinstance(found.value, StoreError)
        add(store, made("s1"))
        with pytest.raises(PicoschedError, match="more than 64 bits"), store.transaction():
            store.agenda.settle(made("s1", fires=2**63), NOW)


class Picos:
    """Picos, their channels, rulesets and variables."""

    def test_a_pico_is_deleted_with_all_it_has(self, store: Store) -> None:
        with store.transaction():
            store.picos.new_pico(PicoRow("root", "root", None, NOW))
            store.picos.new_pico(PicoRow("p", "kitchen", "root", NOW))
            store.picos.new_channel(CHANNEL, NOW)
            store.picos.install("p", ruleset("x"), {"a": 1})
            store.write(turn_that(entities={("tea", "cups"): 1}, waiting={("tea", "start"): [1]}))
        assert store.picos.find_channel("c1") == CHANNEL
        assert [row.config for row in store.picos.installed("p")] == [{"a": 1}]
        assert [row.name for row in store.picos.children("root")] == ["kitchen"]
        with store.transaction():
            store.picos.delete_pico("p")
        assert store.picos.find_pico("p") is None
        assert store.picos.find_channel("c1") is None
        assert store.picos.installed("p") == []
        assert store.entity("p", "tea", "cups") is None
        assert store.waiting("p", "tea") == {}

    def test_another_text_starts_waiting_rules_anew_and_the_same_does_not(self, store: Store) -> None:
        old, new = ruleset("old"), ruleset("new")
        with store.transaction():
            store.picos.install("p", old, {})
            store.write(turn_that(entities={("tea", "cups"): 1}, waiting={("tea", "start"): [1]}))
            store.picos.install("p", old, {"a": 2})
            assert store.waiting("p", "tea") == {"start": [1]}
            store.picos.install("p", new, {})
        assert store.waiting("p", "tea") == {}
        assert store.entity("p", "tea", "cups") == 1
        assert [(row.rid, row.hash) for row in store.picos.installed("p")] == [("tea", new.hash)]

    def test_shared_variables_go_with_the_last_pico_that_has_the_ruleset(self, store: Store) -> None:
        with store.transaction():
            store.picos.install("p", ruleset("x"), {})
            store.picos.install("q", ruleset("x"), {})
            store.write(turn_that(entities={("app:tea", "all"): 1}))
            store.picos.uninstall("p", "tea")
            assert store.entity("p", "app:tea", "all") == 1
            store.picos.uninstall("q", "tea")
        assert store.entity("p", "app:tea", "all") is None

    def test_rulesets_stand_in_the_order_of_installation(self, store: Store) -> None:
        with store.transaction():
            for rid in ("c", "a", "b", "a"):
                store.picos.install("p", ruleset(rid, rid), {})
        assert [row.rid for row in store.picos.installed("p")] == ["c", "a", "b"]

    def test_picos_are_found_by_their_names_and_families(self, store: Store) -> None:
        with store.transaction():
            for id, name, parent in (("r", "root", None), ("a", "x", "r"), ("b", "x", "a"), ("c", "y", "r")):
                store.picos.new_pico(PicoRow(id, name, parent, NOW))
        assert store.picos.find_root() == PicoRow("r", "root", None, NOW)
        assert [each.id for each in store.picos.named("x")] == ["a", "b"]
        assert [each.id for each in store.picos.children("r")] == ["a", "c"]
        assert [store.picos.number_under(id) for id in "rabc"] == [3, 1, 0, 0]
        assert store.picos.find_pico("none") is None

    def test_a_channel_that_is_put_again_keeps_its_place(self, store: Store) -> None:
        kin = replace(CHANNEL, eci="c3", kin="q", eci_of_kin="c4")
        with store.transaction():
            for each in (CHANNEL, replace(CHANNEL, eci="c2"), kin, replace(CHANNEL, tags=("new",))):
                store.picos.put_channel(each, NOW)
        assert [each.eci for each in store.picos.channels("p")] == ["c1", "c2", "c3"]
        assert store.picos.find_channel("c1") == replace(CHANNEL, tags=("new",))
        assert store.picos.kin_of("q") == [kin]
        with store.transaction():
            assert store.picos.delete_channel("c2")
            assert not store.picos.delete_channel("c2")

    def test_the_text_of_a_ruleset_is_kept_by_its_hash_and_its_origin(self, store: Store) -> None:
        with store.transaction():
            store.picos.install("p", ruleset("old"), {})
            store.picos.install("p", ruleset("new"), {})
        assert store.picos.find_ruleset(ruleset("old").hash) == ruleset("old")
        assert store.picos.kept_text("new.krl") == "new"
        assert store.picos.kept_text("old.krl") is None  # no pico has it


class Transactions:
    """All or nothing, and nothing that was kept is lost."""

    def test_an_exception_undoes_all_that_was_written(self, store: Store) -> None:
        with pytest.raises(ZeroDivisionError), store.transaction():
            store.write(turn_that(entities={("tea", "cups"): 1}, scheduled={"s1": made("s1")}))
            raise ZeroDivisionError
        assert store.entity("p", "tea", "cups") is None
        assert store.agenda.pending("p", "tea") == []
        assert store.journal.entries() == []
        assert not store.in_transaction
        assert not store.kept

    def test_a_copy_goes_its_own_way(self, store: Store) -> None:
        with store.transaction():
            store.write(turn_that(entities={("tea", "cups"): 1}))
        copy = store.copy()
        with copy.transaction():
            copy.write(turn_that(entities={("tea", "cups"): 2}))
        assert (store.entity("p", "tea", "cups"), copy.entity("p", "tea", "cups")) == (1, 2)
        copy.close()

    @pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
    def test_a_change_is_kept_with_its_transaction_or_not_at_all(
        self, store: Store, change: Callable[[Store], object]
    ) -> None:
        with store.transaction():
            furnish(store)
        before, revision = everything(store), store.transactions
        with pytest.raises(ZeroDivisionError), store.transaction():
            change(store)
            raise ZeroDivisionError
        assert everything(store) == before
        with store.transaction():
            with pytest.raises(ZeroDivisionError), store.savepoint():
                change(store)
                raise ZeroDivisionError
            assert everything(store) == before
            marked = store.changes
            change(store)
            assert store.changes > marked
            after = everything(store)
        assert store.kept
        assert store.transactions == revision + 2
        assert everything(store) == after != before

    def test_a_row_has_every_field_that_a_schedule_has(self, store: Store) -> None:
        add(store, FULL)
        assert store.find_scheduled("full") == FULL
        assert None not in asdict(FULL).values()


def was_killed(work: Callable[[], None]) -> bool:
    """Do some work in a process of its own; whether that was killed."""
    child = os.fork()
    if child == 0:
        try:
            work()
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0
    return os.WIFSIGNALED(status)


def _die_in_a_turn(backend: Backend, name: str, number: int) -> None:
    """Write a turn, and be killed before its statement of that number if it has as many."""
    store = backend.open(name)
    with store.transaction():
        furnish(store)
    left = number

    def count() -> None:
        nonlocal left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    backend.before_statements(store, count)
    with store.transaction():
        store.write(*turn_of_all_kinds())
        store.begun.unmark("once")
        store.deliveries.remove("d")


class Lasting:
    """Of a backend that keeps what is committed when the store is closed or its process dies."""

    def test_a_turn_is_read_back_after_the_file_was_closed(self, backend: Backend) -> None:
        store = backend.open("picos")
        row = made("s1", NOW + MINUTE, timespec="* * * * *", kind="repeat", name="n", tz="Europe/Oslo")
        turn = turn_that(
            eci="c1",
            entities={("tea", "cups"): {"a": [1, "é"]}, ("app:tea", "all"): 9},
            waiting={("tea", "start"): [1, 2]},
            scheduled={"s1": row},
            handled=[Handled("tea", "started", {"n": 1}, [Considered("tea", "start", "fired", None, 6)])],
            directives=[Directive("say", {"text": "hi"}, "tea", "start")],
            errors=[KrlError("went wrong")],
            log=[Logged("info", "tea", "start", {"x": 1})],
        )
        with store.transaction():
            store.write(turn)
        store.close()

        store = backend.open("picos")
        assert store.entity("p", "tea", "cups") == {"a": [1, "é"]}
        assert store.entity("another", "app:tea", "all") == 9
        assert store.entity("p", "tea", "none") is None
        assert store.waiting("p", "tea") == {"start": [1, 2]}
        assert store.agenda.pending("p", "tea") == [row]
        assert store.find_scheduled("s1") == row
        (entry,) = store.journal.entries("p")
        assert (entry.eid, entry.pico_id, entry.at, entry.eci) == ("e1", "p", NOW, "c1")
        assert entry.handled[0]["considered"][0]["rule"] == "start"
        assert entry.fired == ["tea.start"]
        assert entry.directives == [
            {"name": "say", "options": {"text": "hi"}, "rid": "tea", "rule": "start", "handled": 0}
        ]
        assert entry.errors == ["went wrong"]
        assert entry.log[0]["value"] == {"x": 1}
        store.close()

    def test_what_is_committed_is_there_after_closing(self, backend: Backend) -> None:
        store = backend.open("picos")
        with store.transaction():
            furnish(store)
            store.write(*turn_of_all_kinds())
        before = everything(store)
        store.close()
        store = backend.open("picos")
        assert everything(store) == before
        store.close()

    @pytest.mark.slow
    def test_a_kill_before_any_statement_leaves_all_of_a_transaction_or_none_of_it(
        self, backend: Backend
    ) -> None:
        found: list[dict[str, Any]] = []
        killed = True
        while killed:
            name = f"killed{len(found)}"
            killed = was_killed(partial(_die_in_a_turn, backend, name, len(found) + 1))
            store = backend.open(name)
            found.append(everything(store))
            store.close()
        assert len(found) > 10
        before, after = found[0], found[-1]
        assert before != after
        last = found.index(after)
        assert found == [before] * last + [after] * (len(found) - last)


class Exercise(Turns, Picos, Transactions, Agenda, Due, Queues, Pages):
    """All of it. A subclass stands where there is a fixture `backend`."""

    @pytest.fixture
    def store(self, backend: Backend) -> Iterator[Store]:
        store = backend.open("store")
        yield store
        store.close()
