"""`replay`: the past once more, and whether each turn is as it was.

It starts from an earlier state, a snapshot or a backup, and follows the journal from there on a copy
(`replaying`): what came from outside comes again, and what was due comes due. The same rules must give the
same turns, as all that a turn is made of is on record; with other rulesets the first difference of each pico
shows what they change (`replayed`). What people did in between is done again, each at its place (`redoing`);
what an older picosched did not keep of it is named.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from picosched.clock import format_time
from picosched.due.snapshots import root_of, snapshot_before
from picosched.engine.copied import MOST_RULESETS, New, copied, read_new, refuse_beyond
from picosched.engine.held import AT_ONCE
from picosched.engine.replayed import Comparing, Replayed
from picosched.engine.replaying import Replaying
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.intervention import TRIED, Intervention
from picosched.store.journal import Entry
from picosched.store.store import Store
from picosched.turns.install import BY_RULE

MOST_TURNS, USUAL_TURNS = 100_000, 20_000
"""Turns of a replay at most, and over HTTP unless more are asked for."""

A_TURN = 4_000
"""About how many bytes a turn adds to a copy."""

Progress = Callable[[int, int], None]
"""Is called with the turns replayed so far, and those there are."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a replay is asked for, as for `Engine.replay`."""

    since: datetime | None
    until: datetime | None
    new: Sequence[New]
    first: bool
    most: int
    progress: Progress | None


@dataclass(frozen=True, slots=True)
class Start:
    """The state from which a replay starts."""

    store: Store
    seq: int
    """The number of its last turn."""
    at: datetime


def replay_of(
    engine: Wiring,
    since: datetime | None,
    until: datetime | None,
    rulesets: Sequence[str | Path] = (),
    backup: Store | str | Path | None = None,
    *,
    first: bool = False,
    most: int = MOST_TURNS,
    progress: Progress | None = None,
) -> Replayed:
    """Replay the turns of an engine's store; arguments and errors as for `Engine.replay`."""
    refuse_beyond((most, MOST_TURNS, "turns"), (len(rulesets) or 1, MOST_RULESETS, "rulesets"))
    asked = Asked(since, until, [*read_new(engine, rulesets)], first, most, progress)
    if backup is None and since is None:
        raise PicoschedError("found neither a time nor a backup, wanted one of them to start from")
    if isinstance(backup, Store):
        return _replayed(engine, backup, asked)
    if backup is None:
        assert since is not None
        backup = snapshot_before(engine.settings, root_of(engine.store, engine.read), since)
    elif not Path(backup).is_file():
        raise PicoschedError(f"there is no backup {backup}", "not_found")
    with closing(Store(backup, readonly=True)) as snapshot:
        return _replayed(engine, snapshot, asked)


def _replayed(engine: Wiring, backup: Store, asked: Asked) -> Replayed:
    last = engine.read(engine.store.pages.last_turn)
    latest = next(iter(engine.read(engine.store.journal.entries, after=last - 1, limit=1)), None)
    if latest is None:
        raise PicoschedError("the journal has no turns", "not_found")
    start = _start(engine, backup)
    end = latest.at if asked.until is None else asked.until
    began = start.at if asked.since is None else asked.since
    for time, what in ((began, "to start from"), (end, "to end at")):
        if time < start.at:
            found = f"found the time {format_time(time)} {what}"
            raise PicoschedError(f"{found}, wanted {format_time(start.at)}, the time of the state, or later")
    if began > min(end, latest.at):
        found = f"found no turn between {format_time(began)} and {format_time(end)}"
        raise PicoschedError(f"{found}; the last one is of {format_time(latest.at)}", "not_found")
    upto = min(engine.read(engine.store.journal.place_at, end), last)
    total = upto - start.seq
    if total > asked.most:
        raise PicoschedError(
            f"found {total:,} turns from {format_time(start.at)} on, wanted at most {asked.most:,}: "
            "end earlier, or start later",
            "too_large",
        )
    interventions = _interventions(engine, start, end, asked.most)
    with (
        copied(start.store.size() + total * A_TURN, start.store.copy) as copy,
        closing(Replaying(copy, engine, engine.settings, start.at, interventions)) as again,
    ):
        return _run(engine, again, start, (began, end, upto), interventions, asked)


def _run(
    engine: Wiring,
    again: Replaying,
    start: Start,
    span: tuple[datetime, datetime, int],
    interventions: Sequence[Intervention],
    asked: Asked,
) -> Replayed:
    began, end, upto = span
    names = {row.id: row.name for row in again.store.picos.picos()}
    others = {row.id: row.name for row in engine.read(engine.store.picos.picos) if row.id not in names}
    given = {each.rid for each in asked.new}
    redone = {(each.told["pico"], each.told["rid"]) for each in interventions if "rid" in each.told}

    def by_hand(id: str) -> set[str]:
        had, now = (each.read(_installed, each.store, id) for each in (again, engine))
        differ = {rid for rid in {**had, **now} if had.get(rid) != now.get(rid)} - given
        return {rid for rid in differ if (id, rid) not in redone and not _by_rule(engine, id, rid)}

    comparing = Comparing({**others, **names}, names, by_hand, again.unsure, again.made)
    new, turns, unrecorded = asked.new, 0, 0
    for each_or_turn in _in_order(interventions, _entries(engine, start.seq, upto), end):
        at = each_or_turn.at if isinstance(each_or_turn, Intervention) else each_or_turn[0].at
        if new and at >= began:
            again.let_pass(began)
            _stand_in(again, new, redone)
            new = []
        if isinstance(each_or_turn, Intervention):
            again.redo(each_or_turn)
            continue
        entry, inputs = each_or_turn
        compared = again.drive(entry, inputs)
        turns += 1
        unrecorded += inputs is None
        if compared:
            comparing.was(entry)
        for each in again.news():
            comparing.became(each)
        if asked.first and comparing.differences:
            break
        if asked.progress is not None and turns % AT_ONCE == 0:
            asked.progress(turns, upto - start.seq)
    else:
        _stand_in(again, new, redone)
        again.let_pass(end)
        for each in again.news():
            comparing.became(each)
        comparing.end()
    if asked.progress is not None:
        asked.progress(turns, turns)
    return Replayed(
        began=start.at,
        since=began,
        until=end,
        turns=turns,
        outside=again.outside,
        differences=comparing.differences[:1] if asked.first else comparing.differences,
        unsure=comparing.unsure,
        lost=again.lost,
        requests=again.requests,
        programs=len(again.read(again.store.agenda.programs, "proc")),
        unrecorded=unrecorded,
        changed=tuple(f"{rid} on {name}" for id, name in names.items() for rid in sorted(by_hand(id))),
        redone=again.redone,
        not_replayed=tuple(again.not_replayed),
    )


def _start(engine: Wiring, backup: Store) -> Start:
    """The state of a backup. `invalid` if it is not of this store, or turns after it are not known."""
    last = next(iter(backup.journal.entries(limit=1)), None)
    before = 0 if last is None else last.seq - 1
    same = next(iter(engine.read(engine.store.pages.journal_since, before, 1)), None)
    if last is None and same is not None and same.seq == 1:
        return Start(backup, 0, same.at)
    if last is not None and same is not None and same.seq == last.seq and same.eid != last.eid:
        raise PicoschedError(
            "found a backup of another database, wanted one of the database that is replayed"
        )
    if last is None or same is None or same.seq != last.seq:
        begins = engine.read(engine.store.journal.begins)
        oldest = "" if begins is None else f"; they are known since {format_time(begins)}"
        found = "found a backup without turns, and the first turn"
        if last is not None:
            found = f"found a backup whose last turn, of {format_time(last.at)},"
        raise PicoschedError(f"{found} is not in the journal: turns that came after it may be lost{oldest}")
    return Start(backup, last.seq, last.at)


def _entries(engine: Wiring, after: int, upto: int) -> Iterator[tuple[Entry, str | None]]:
    """The turns on record between two places, each with its inputs."""
    journal, since = engine.store.journal, engine.store.pages.journal_since
    while after < upto and (found := engine.read(since, after, AT_ONCE)):
        inputs = engine.read(journal.inputs, after, found[-1].seq)
        yield from ((each, inputs.get(each.seq)) for each in found if each.seq <= upto)
        after = found[-1].seq


def _interventions(engine: Wiring, start: Start, end: datetime, most: int) -> list[Intervention]:
    """What people did since; also after the end, as what is overdue there may wait for it."""
    found, after = list[Intervention](), start.store.interventions.last()
    while more := engine.read(engine.store.interventions.since, after, AT_ONCE):
        found += [each for each in more if each.what != TRIED or each.at <= end]
        after = more[-1].seq
        if len(found) > most:
            raise PicoschedError(
                f"found more than {most:,} interventions (what people did, and tries that failed) from "
                f"{format_time(start.at)} on, wanted at most as many: start later",
                "too_large",
            )
    # Machines write their rows when they commit, so the numbers may not go as the turns do.
    return sorted(found, key=lambda each: (each.after, each.seq))


def _in_order(
    interventions: Sequence[Intervention], entries: Iterator[tuple[Entry, str | None]], end: datetime
) -> Iterator[Intervention | tuple[Entry, str | None]]:
    """Turns, and what people did between them, up to a time."""
    coming = deque(interventions)
    for entry, inputs in entries:
        while coming and coming[0].after < entry.seq:
            yield coming.popleft()
        yield entry, inputs
    yield from (each for each in coming if each.at <= end)


def _by_rule(engine: Wiring, id: str, rid: str) -> bool:
    """Whether a rule installed the text that a pico has now."""
    versions = engine.read(engine.store.picos.versions, id, rid)
    return bool(versions) and versions[0].by.startswith(BY_RULE)


def _stand_in(again: Replaying, new: Sequence[New], redone: Collection[tuple[str, str]]) -> None:
    """Let rulesets stand in; those of which each pico gets the first later are put there then."""
    later = {rid for _, rid in redone}
    for each in new:
        again.stand_in(each, later=each.rid in later)


def _installed(store: Store, pico_id: str) -> dict[str, str]:
    """Rid → the hash of its text, in a pico."""
    return {row.rid: row.hash for row in store.picos.installed(pico_id)}
