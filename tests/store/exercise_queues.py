"""The contract of the store, exercised: what is due, what becomes of it, and how lists of it are read."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from store.written import (
    DELIVERY,
    EACH,
    EDGES,
    ENTRY,
    LATER,
    MINUTE,
    NOW,
    ONCE,
    OVER,
    PAST,
    PROGRAM,
    SOURCE,
    STILL,
    add,
    fire_of,
    furnish,
    made,
    ruleset,
    turn_that,
)

from picosched import KrlError, PicoschedError, Store
from picosched.schedule.filter import Filter
from picosched.schedule.scheduled import Outcome, Status
from picosched.store.left_out import NOTHING, LeftOut
from picosched.store.picos import PicoRow


def row_next(store: Store, without: LeftOut = NOTHING) -> tuple[datetime | None, datetime | None]:
    """When the next row is due that is not left out, and when the next pause ends."""
    return store.due.soonest(scheduled=without).rows


def source_next(store: Store, without: LeftOut = NOTHING) -> tuple[datetime | None, datetime | None]:
    """The same of entries and their sources."""
    return store.due.soonest(entries=without).entries


class Agenda:
    """Scheduled events and the record of their fires."""

    def test_what_is_due_comes_soonest_first_then_as_it_was_made(self, store: Store) -> None:
        add(store, made("c"), made("b", NOW - MINUTE), made("a"), made("z", NOW + MINUTE))
        assert store.due.first(NOW, 10) == [("b", "p"), ("c", "p"), ("a", "p")]
        assert store.due.first(NOW, 2) == [("b", "p"), ("c", "p")]
        assert row_next(store) == (NOW - MINUTE, None)

    def test_only_pending_rows_are_due(self, store: Store) -> None:
        add(
            store,
            made("paused", status=Status.PAUSED),
            made("finished", None, status=Status.FINISHED),
            made("cancelled", None, status=Status.CANCELLED),
        )
        assert store.due.first(NOW, 10) == []
        assert row_next(store) == (None, None)
        assert [row.id for row in store.agenda.pending("p", "tea")] == ["paused"]

    def test_the_end_of_a_pause_counts_as_due(self, store: Store) -> None:
        add(store, made("s1", status=Status.PAUSED, paused_until=NOW + MINUTE), made("s2", NOW + 2 * MINUTE))
        assert row_next(store) == (NOW + 2 * MINUTE, NOW + MINUTE)
        assert store.agenda.resumable(NOW, 9) == []
        assert store.agenda.resumable(NOW + MINUTE, 9) == ["s1"]

    def test_what_is_not_to_come_cannot_be_cancelled(self, store: Store) -> None:
        add(store, made("s1", None, status=Status.FINISHED))
        with store.transaction():
            assert not store.agenda.cancel("s1", NOW)
            assert not store.agenda.cancel("none", NOW)
        assert store.agenda.fires() == []

    def test_fires_come_newest_first(self, store: Store) -> None:
        rows = [made(f"s{n}", NOW + n * MINUTE) for n in range(5)]
        add(store, *rows)
        with store.transaction():
            for row in rows:
                store.settle(replace(row, due=None, status=Status.FINISHED), fire_of(row, Outcome.SKIPPED))
        assert [fire.id for fire in store.agenda.fires(pico_id="p", limit=2)] == ["s4", "s3"]
        assert [fire.id for fire in store.agenda.fires(id="s2")] == ["s2"]
        assert store.agenda.fires(pico_id="another") == []
        assert store.agenda.fires(id="s2")[0].lateness == -120.0

    def test_pruning_deletes_what_is_older_than_is_kept(self, store: Store) -> None:
        later = NOW + timedelta(days=31)
        row, fresh = made("s1"), made("s2")
        add(store, row, fresh)
        with store.transaction():
            store.write(turn_that(settled=replace(row, due=None, status=Status.FINISHED)), fire_of(row))
            store.write(turn_that(eid="e2", now=later), fire_of(fresh, eid="e2", fired=later))
        with store.transaction():
            assert store.prune(NOW + timedelta(days=29)) == 0
            assert store.prune(later - timedelta(hours=1)) == 3
            assert store.prune(later) == 0
        assert [entry.eid for entry in store.journal.entries()] == ["e2"]
        assert [fire.id for fire in store.agenda.fires()] == ["s2"]
        assert store.find_scheduled("s1") is None

    def test_pruning_goes_in_steps(self, store: Store) -> None:
        rows = [made(f"s{n}", None, status=Status.FINISHED, keep_until=NOW) for n in range(7)]
        add(store, *rows)
        with store.transaction():
            assert store.agenda.prune(NOW, NOW, 5) == 5
            assert store.agenda.prune(NOW, NOW, 5) == 2

    def test_rows_are_found_by_id_name_kind_and_filter(self, store: Store) -> None:
        with store.transaction():
            furnish(store)
        agenda = store.agenda
        assert agenda.pending("p", "tea") == [ONCE, STILL, EDGES, EACH]
        assert agenda.matching(Filter(status=()), limit=9) == [ONCE, STILL, EDGES, EACH, OVER]
        assert agenda.matching(Filter(name="n", since=NOW, until=NOW + MINUTE)) == [EACH]
        assert agenda.matching(Filter(ids=("once", "program"), text="START")) == []
        assert agenda.how_many(Filter(kind="at")) == 2
        assert agenda.first_named("p", "tea", "n", ("at", "repeat"), 5) == [EACH]
        assert agenda.windows("p", "tea") == [EDGES]
        assert (agenda.programs("proc"), agenda.programs("running")) == ([PROGRAM], [])
        assert agenda.programs("proc", without=LeftOut(owners=frozenset("p"))) == []
        assert agenda.coming("p") == 5
        assert agenda.ids_like("o") == ["once", "over"]
        assert agenda.ids_like("o", live=True) == ["once"]

    def test_the_record_tells_what_came_of_a_schedule(self, store: Store) -> None:
        with store.transaction():
            furnish(store)
            mark = store.agenda.last_record()
            skipped = fire_of(ONCE, Outcome.SKIPPED, eid=None, stands_for=2)
            late = fire_of(made("over", NOW + MINUTE), Outcome.LATE)
            for each in (skipped, late):
                store.agenda.record(each)
            store.agenda.correct("over", NOW + MINUTE, Outcome.FAILED, "it broke")
        assert store.agenda.records_after(mark) == [
            skipped,
            replace(late, outcome=Outcome.FAILED, why="it broke"),
        ]
        assert store.agenda.let_go_after(mark) == {"skipped": 2}
        assert store.agenda.last_nominal("over") == NOW + MINUTE
        assert store.agenda.last_raised("over") == store.agenda.fires(id="over")[0]
        assert store.agenda.last_raised("once") is None

    def test_no_row_comes_to_be_due_at_a_time_that_is_on_record(self, store: Store) -> None:
        with store.transaction():
            furnish(store)
            store.agenda.settle(replace(EACH, due=PAST.nominal), NOW)
            store.agenda.record(fire_of(EACH))
            store.agenda.settle(EACH, NOW)
        settled = store.find_scheduled("each")
        assert settled is not None and settled.due == NOW + MINUTE + timedelta(milliseconds=1)
        assert store.agenda.free("each", settled.due) == settled.due + timedelta(milliseconds=1)

    def test_cancelling_all_of_a_pico_records_each_and_leaves_others(self, store: Store) -> None:
        other = made("other", pico_id="q")
        with store.transaction():
            furnish(store)
            store.agenda.add(other)
            assert store.agenda.cancel_all("p", "tea", NOW, "gone") == 4
        assert store.agenda.pending() == [other]
        assert (store.coming("p"), store.coming("q")) == (1, 1)  # the program is still to run
        ended = {
            fire.id: (fire.nominal, fire.outcome, fire.why)
            for fire in store.agenda.fires()
            if fire.eid is None
        }
        assert ended == {row.id: (row.due, "cancelled", "gone") for row in (ONCE, STILL, EDGES, EACH)}

    def test_a_ruleset_that_is_held_back_has_nothing_due(self, store: Store) -> None:
        rows = (
            made("other", pico_id="q"),
            made("tea", rid="cups"),
            made("sent", kind="send", eci="c1", type="x"),
        )
        with store.transaction():
            furnish(store)
            for row in rows:
                store.agenda.add(row)
            store.agenda.add(made("on_its_way", pico_id="q", kind="send", eci="c1", type="from_q"))
        events = {(pico, rid, type) for pico, rid, _, type in store.agenda.events_coming()}
        assert {("p", "tea", ONCE.type), ("q", "tea", ONCE.type), ("p", "cups", ONCE.type)} < events
        assert {("p", "", "x"), ("p", "", "from_q")} < events  # for whom the channel belongs to
        with store.transaction():
            store.agenda.hold_back([("p", "tea"), ("q", "nosuch")])
        pending = {row.id for row in store.agenda.pending() if row.status is Status.PENDING}
        assert {"other", "tea"} <= pending
        assert pending.isdisjoint({"once", "each", "edges"})
        paused = store.find_scheduled("still")
        assert paused is not None
        assert (paused.status, paused.paused_until) == (Status.PAUSED, None)

    def test_a_row_that_is_given_up_is_over_and_its_occurrence_failed(self, store: Store) -> None:
        with store.transaction():
            furnish(store)
            store.agenda.give_up("once", NOW, "broken")
        row, (fire,) = store.find_scheduled("once"), store.agenda.fires(id="once")
        assert row is not None and (row.status, row.due) == (Status.FINISHED, None)
        assert (fire.nominal, fire.error) == (NOW, "broken")
        assert store.begun.all() == {}


class Due:
    """Due rows, soonest first, fairly between picos, and without those that are left out."""

    @pytest.mark.parametrize(
        "without",
        [
            NOTHING,
            LeftOut(owners=frozenset({"p1"})),
            LeftOut(frozenset({"r3", "r5"}), frozenset({"p0", "p2"})),
        ],
        ids=["all", "without a pico", "without rows and picos"],
    )
    def test_due_rows_are_those_of_a_naive_list(self, store: Store, without: LeftOut) -> None:
        drawn = random.Random(1)
        rows = [
            made(f"r{n}", NOW + drawn.randrange(-5, 5) * MINUTE, pico_id=f"p{drawn.randrange(4)}")
            for n in range(60)
        ]
        paused = made("paused", NOW - 9 * MINUTE, status=Status.PAUSED)
        add(store, *rows, paused)
        rows.sort(key=lambda row: row.due or NOW)  # as they were made within a time
        wanted = [row for row in rows if row.id not in without.ids and row.pico_id not in without.owners]
        due = [(row.id, row.pico_id) for row in wanted if row.due and row.due <= NOW]
        for limit in (1, 7, 100):
            assert store.due.first(NOW, limit, without) == due[:limit]
        assert row_next(store, without) == (wanted[0].due, None)
        assert store.due.among([row.id for row in rows[::2]], NOW, without) == [
            each for each in due if each[0] in {row.id for row in rows[::2]}
        ]
        fair = {pico: [id for id, own in due if own == pico][:2] for pico in ("p0", "p1", "p2", "p3")}
        assert store.due.due_of([*fair, "none"], NOW, 2, without) == {
            pico: ids for pico, ids in fair.items() if ids
        }

    def test_what_is_written_meanwhile_is_seen_by_who_goes_through_the_due_rows(self, store: Store) -> None:
        add(
            store,
            *(made(f"r{n}", NOW - MINUTE, pico_id=f"p{n % 2}") for n in range(4)),
            made("z", pico_id="p9"),
        )
        watched = store.due.watch()
        assert store.due.more_due(watched, NOW, 2) == ["p0", "p1"]
        add(store, made("early", NOW - 2 * MINUTE, pico_id="p5"), made("late", NOW + MINUTE, pico_id="p6"))
        assert store.due.more_due(watched, NOW, 2) == ["p0", "p1", "p5"]
        assert store.due.more_due(watched, NOW, 2) == ["p9"]
        assert store.due.more_due(watched, NOW, 2) == []
        store.due.unwatch(watched)

    def test_a_row_that_is_due_before_all_others_is_next(self, store: Store) -> None:
        without = LeftOut(owners=frozenset({"p"}))
        add(store, made("own"), made("other", NOW + MINUTE, pico_id="q"))
        assert row_next(store, without) == (NOW + MINUTE, None)
        add(store, made("sooner", NOW - MINUTE, pico_id="q"))
        assert row_next(store, without) == (NOW - MINUTE, None)
        assert store.due.first(NOW, 9, without) == [("sooner", "q")]
        assert store.due.broken() == []


class Queues:
    """Sources and their entries, deliveries, keys that came, marks of what was begun, and settings."""

    def test_entries_are_due_unless_their_source_waits(self, store: Store) -> None:
        with store.transaction():
            furnish(store)
            store.sources.put_entry(replace(ENTRY, id="next", due=NOW + MINUTE), 1)
        sources = store.sources
        assert (source_next(store), sources.due(NOW)) == ((NOW, None), [("entry", "src")])
        left_out = LeftOut(frozenset({"entry"}))
        assert (source_next(store, left_out), sources.due(NOW, left_out)) == ((NOW + MINUTE, None), [])
        with store.transaction():
            sources.set_pause("src", True, NOW + MINUTE)
        assert (source_next(store), sources.due(NOW)) == ((None, NOW + MINUTE), [])
        assert (sources.resumable(NOW), sources.resumable(NOW + MINUTE)) == ([], ["src"])

    def test_a_source_keeps_its_counts_when_it_is_declared_anew(self, store: Store) -> None:
        with store.transaction():
            furnish(store)
            settled = replace(ENTRY, fires=1, fired=NOW, due=NOW + MINUTE, outcome=Outcome.FIRED)
            store.sources.settle(settled, raised=True)
            store.sources.put(replace(SOURCE, name="other", declaration="[]"))
            store.sources.put_entry(replace(ENTRY, name="tock"), 3)
            store.sources.correct("entry", Outcome.FAILED, "why")
        assert store.sources.find("other") == replace(SOURCE, name="other", declaration="[]", raised=1)
        told = replace(settled, name="tock", due=NOW, outcome=Outcome.FAILED, why="why", failed=1, failures=1)
        assert store.sources.find_entry("entry") == told
        with store.transaction():
            store.sources.remove("src")
        assert (store.sources.all(), store.sources.find_entry("entry")) == ([], None)
        assert store.deliveries.find("d") == DELIVERY

    def test_targets_of_sources_are_found_by_tag_and_by_ruleset(self, store: Store) -> None:
        with store.transaction():
            furnish(store)
        assert [*map(tuple, store.sources.tagged("app-x"))] == [("p", "c1")]
        assert (store.sources.tagged("none"), store.sources.having("tea")) == ([], ["p"])

    def test_a_delivery_given_up_is_a_dead_letter_until_it_is_retried(self, store: Store) -> None:
        deliveries = store.deliveries
        of_rule = replace(DELIVERY, id="r", source_id="", pico_id="p", rid="tea", rule="send")
        with store.transaction():
            deliveries.add(DELIVERY)
            store.write(turn_that(deliveries=[of_rule]))
        assert (deliveries.find("r"), deliveries.waiting_of("p")) == (of_rule, 1)
        assert deliveries.due(NOW, 9) == [("d", "src"), ("r", "p")]
        assert deliveries.due(NOW, 9, LeftOut(owners=frozenset({"p"}))) == [("d", "src")]
        with store.transaction():
            deliveries.give_up("r", NOW + MINUTE, "gone")
        dead = replace(of_rule, tries=1, error="gone", dead=NOW + MINUTE)
        assert deliveries.listed(dead=True, limit=9) == [dead]
        assert deliveries.listed(dead=True, limit=9, pico_id="q") == []
        assert deliveries.listed(dead=False, limit=9) == [DELIVERY]
        assert (deliveries.due(NOW, 9), deliveries.waiting_of("p")) == ([("d", "src")], 0)
        with store.transaction():
            assert deliveries.retry("r", NOW + 2 * MINUTE) and not deliveries.retry("none", NOW)
        again = NOW + 2 * MINUTE
        assert deliveries.find("r") == replace(dead, dead=None, due=again, created=again)
        with store.transaction():
            deliveries.remove_of("p")
            assert not deliveries.remove("r") and deliveries.remove("d")
        assert store.due.soonest().deliveries.due is None

    def test_a_delivery_is_tried_until_it_is_removed(self, store: Store) -> None:
        deliveries = store.deliveries
        with store.transaction():
            deliveries.add(DELIVERY)
            deliveries.add(replace(DELIVERY, id="d2", due=NOW - MINUTE))
        assert (store.due.soonest().deliveries.due, deliveries.due(NOW, 1)) == (NOW - MINUTE, [("d2", "src")])
        with store.transaction():
            deliveries.put_off("d2", NOW + MINUTE, "refused")
        assert deliveries.find("d2") == replace(DELIVERY, id="d2", due=NOW + MINUTE, tries=1, error="refused")
        assert (deliveries.due(NOW, 9), deliveries.last_error("src")) == ([("d", "src")], "refused")
        with store.transaction():
            deliveries.remove("d")
        assert (deliveries.waiting("src"), store.due.soonest().deliveries.due) == (1, NOW + MINUTE)
        assert store.due.soonest(deliveries=LeftOut(owners=frozenset({"src"}))).deliveries.due is None

    def test_a_key_is_received_once(self, store: Store) -> None:
        with store.transaction():
            store.deliveries.receive("p", "key", "e1", NOW)
        with pytest.raises(PicoschedError), store.transaction():
            store.deliveries.receive("p", "key", "e2", NOW)
        assert store.deliveries.received("p", "key") == ("e1", NOW)
        assert store.deliveries.received("q", "key") is None

    def test_marks_and_settings_are_the_last_that_were_written(self, store: Store) -> None:
        with store.transaction():
            for number in (1, 2):
                store.begun.mark("a", number)
                store.begun.mark("b", number)
                store.picos.set_meta("key", str(number))
            store.begun.unmark("b")
            store.begun.mark("c", 1)
            store.begun.take_back(["c", "c", "none"])
        assert (store.begun.number("a"), store.begun.number("c"), store.begun.number("none")) == (2, 0, 0)
        with store.transaction():
            store.begun.unmark("c")
        assert (store.begun.all(), store.picos.meta("key"), store.picos.meta("none")) == ({"a": 2}, "2", None)

    def test_pruning_ends_and_keeps_what_is_young(self, store: Store) -> None:
        with store.transaction():
            furnish(store)
            store.deliveries.receive("p", "young", "e2", LATER)
            store.write(turn_that(eid="e2", now=LATER))
            store.agenda.record(fire_of(ONCE, fired=LATER))
        assert store.prunable(LATER) and not store.prunable(NOW)
        with store.transaction():
            while store.prune(LATER):
                pass
        assert not store.prunable(LATER)
        assert [entry.eid for entry in store.journal.entries()] == ["e2"]
        assert [fire.id for fire in store.agenda.fires()] == ["once"]
        assert store.find_scheduled("over") is None
        assert store.deliveries.received("p", "key") is None
        assert store.deliveries.received("p", "young") == ("e2", LATER)


class Pages:
    """Long lists, a page at a time, and figures. `test_pages.py` compares them with whole lists."""

    def test_a_page_ends_where_the_next_begins(self, store: Store) -> None:
        with store.transaction():
            for n in range(5):
                store.picos.new_pico(PicoRow(f"p{n}", "x", None, NOW))
                store.agenda.add(made(f"r{n}", NOW + n * MINUTE))
                store.agenda.record(fire_of(made(f"r{n}")))
                store.write(turn_that(eid=f"e{n}"))
        pages = store.pages
        for read, wanted in (
            (lambda after: pages.picos(after, 2), store.picos.picos()),
            (lambda after: pages.scheduled(Filter(), after, 2), store.agenda.pending()),
            (lambda after: pages.fires(after, 2, pico_id="p"), store.agenda.fires()),
            (lambda after: pages.journal(after, 2, pico_id="p"), store.journal.entries()),
        ):
            found, after, sizes = [], None, []
            while not sizes or after is not None:
                page = read(after)
                found, after, sizes = [*found, *page.items], page.next, [*sizes, len(page.items)]
            assert (found, sizes) == (wanted, [2, 2, 1])
        assert [each.eid for each in pages.journal_since(store.journal.entries()[2].seq, 9)] == ["e3", "e4"]
        assert [fire.id for _, fire in pages.fires_since(pages.last_fire() - 2, 9)] == ["r3", "r4"]
        assert (pages.last_turn(), pages.pending(), pages.pending_of("p"), pages.overdue(NOW)) == (5, 5, 5, 1)

    def test_figures_count_rulesets_lateness_and_minutes(self, store: Store) -> None:
        with store.transaction():
            furnish(store)
            store.picos.install("root", ruleset("x"), {})
            store.agenda.record(fire_of(ONCE, fired=NOW + timedelta(milliseconds=200)))
        pages = store.pages
        (text,) = pages.rulesets(9)
        assert (text.rid, text.origin, text.picos) == ("tea", "x.krl", 2)
        assert [row.id for row, _ in pages.picos_with("tea", 9)] == ["root", "p"]
        assert pages.counts() == (2, 1, 1)
        (lateness,) = pages.lateness(1, pages.last_fire())
        assert (lateness.outcome, lateness.count, lateness.sum_ms, lateness.within[:2]) == (
            "fired",
            1,
            200,
            (0, 1),
        )
        (minute,) = pages.fires_by_minute(1, pages.last_fire(), NOW)
        assert minute[1:] == ("fired", 1, 200, 200)

    def test_turns_and_rows_of_a_time_are_found_among_all_others(self, store: Store) -> None:
        with store.transaction():
            furnish(store)
            for n in range(20):
                at = NOW + n // 3 * MINUTE
                store.write(turn_that(eid=f"e{n}", now=at))
                store.agenda.add(replace(made(f"r{n}"), created=at))
                store.write(turn_that(eid=f"x{n}", now=at, pico_id="root"))
                store.agenda.add(replace(made(f"x{n}"), created=at, rid="other"))
        pages = store.pages
        for n in range(-1, 8):
            at = NOW + n * MINUTE
            wanted = [each for each in range(20) if each // 3 == n]
            assert [each.eid for each in pages.turns_at("p", at, 9) if each.eid[0] == "e"][-3:] == [
                f"e{each}" for each in wanted
            ]
            found = [each.id for each in pages.made_at("p", made("r0").rid, at, 99) if each.id[0] == "r"]
            assert [each for each in found if each[1:].isdigit()] == [f"r{each}" for each in wanted]
        assert [each.eid for each in pages.turns_at("root", NOW + MINUTE, 2)] == ["x3", "x4"]
        assert pages.turns_at("nobody", NOW, 9) == []

    def test_what_failed_is_found_between_two_places(self, store: Store) -> None:
        with store.transaction():
            furnish(store)
            for n, errors in enumerate(([], [KrlError("a")], [KrlError("b")], [])):
                store.write(turn_that(eid=f"e{n}", errors=errors))
            for n, (outcome, eid) in enumerate(
                (
                    (Outcome.FAILED, None),
                    (Outcome.FAILED, "e1"),
                    (Outcome.SKIPPED, None),
                    (Outcome.FAILED, None),
                )
            ):
                store.agenda.record(fire_of(made(f"r{n}"), outcome, eid=eid))
        pages = store.pages
        turn, fire = pages.last_turn(), pages.last_fire()
        found = pages.failed_turns(turn - 4, turn, NOW, 9)
        assert [(each.eid, each.errors) for each in found] == [("e1", ["a"]), ("e2", ["b"])]
        assert [each.eid for each in pages.failed_turns(turn - 2, turn, NOW, 9)] == ["e2"]
        assert [each.eid for each in pages.failed_turns(turn - 4, turn, NOW, 1)] == ["e1"]
        assert pages.failed_turns(turn - 4, turn, NOW + MINUTE, 9) == []
        records = pages.failed_without_turn(fire - 4, fire, NOW, 9)
        assert [(place, each.id) for place, each in records] == [(fire - 3, "r0"), (fire, "r3")]
        assert [each.id for _, each in pages.failed_without_turn(fire - 4, fire - 1, NOW, 9)] == ["r0"]
        assert pages.failed_without_turn(fire - 4, fire, NOW + MINUTE, 9) == []

    def test_a_row_that_comes_or_goes_shifts_no_page(self, store: Store) -> None:
        with store.transaction():
            for number in range(6):
                store.agenda.add(made(f"id{number}", NOW + number * MINUTE))
        first = store.pages.scheduled(Filter(), None, 3)
        with store.transaction():
            store.agenda.add(made("id6", NOW + timedelta(seconds=30)))
            store.agenda.cancel("id1", NOW)
        second = store.pages.scheduled(Filter(), first.next, 3)
        assert [each.id for each in (*first.items, *second.items)] == [f"id{n}" for n in range(6)]
        assert second.next is None

    @pytest.mark.parametrize("mark", ["", "x", "-1", "1.5", "1e5", "9" * 40, "١", " 1"])
    def test_a_mark_that_was_not_given_is_refused(self, store: Store, mark: str) -> None:
        for read in (store.pages.picos, store.pages.fires, store.pages.journal):
            with pytest.raises(PicoschedError, match="wanted the `next`"):
                read(mark, 10)
        with pytest.raises(PicoschedError, match="wanted the `next`"):
            store.pages.scheduled(Filter(), f"{mark}.", 10)
