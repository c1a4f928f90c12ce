"""`plan`: what would change if rulesets were deployed now, found by rehearsing the time to come twice.

Two copies of the store, one with the installed rulesets and one with the new ones, stand on virtual clocks
with the same seed. They pass the same due times in step, so that only what differs has to be kept, and both
end at the same time if a bound ends them. Nothing is sent: requests get the answer that nobody is there,
events for other engines count as taken, and no program runs. `concerned` says what is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from picosched.clock import MILLISECOND, format_time, shifted, ticks
from picosched.due.wired import Apart
from picosched.engine.asserted import Fires, parse_asserted
from picosched.engine.concerned import Concerned, concerned_by, leave_out
from picosched.engine.copied import MOST_RULESETS, Copied, New, copied, read_new, refuse_beyond
from picosched.engine.differing import AFTER, BEFORE, Differing
from picosched.engine.made import Made
from picosched.engine.planned import Deployed, OfPico, Plan
from picosched.engine.rehearsed import DUE_TIMES, TOGETHER, Record, Rehearsal, Silence
from picosched.engine.wiring import Wiring
from picosched.errors import PicoschedError
from picosched.schedule.backfill import RAISED
from picosched.schedule.scheduled import SCHEDULES, Scheduled
from picosched.settings import Settings
from picosched.store.picos import APP, hash_of
from picosched.store.store import Store
from picosched.turns import sources as declaring

MOST_DAYS, USUAL_DAYS = 366, 30
MOST_DEPLOYED = 1_000
"""Picos that get the rulesets."""

MOST_RAISED, USUAL_RAISED = 1_000_000, 20_000
"""Events raised by each of the two rehearsals."""

SECONDS = 60.0
"""How long both rehearsals may take in real time, installing the rulesets included."""

COMPARED_AT_ONCE = 1_000
"""Events raised before their turns are compared, which are then in memory."""

MOST_PICOS, MOST_NAMED = 200, 10
"""Picos whose changes are told, and names of what is left out."""


class Rehearsing(Copied):
    """One of the two engines, on a copy of the store, which it closes."""

    def __init__(
        self, store: Store, now: datetime, settings: Settings, most: int, ends: float, made: Made
    ) -> None:
        """It may raise `most` events, and goes on up to a time as `ticks` tells it."""
        silence, self._most, self._ends = Silence(), most, ends
        apart = Apart(quiet=True, draws_from=made.noted, ends=self._leaves_off, most_made=most, deadline=ends)
        super().__init__(store, now, settings, silence, apart)
        self._rehearsal = Rehearsal(self, self._virtual, silence)

    @property
    def raised(self) -> int:
        """Events raised so far."""
        return self._ticks.raised

    @property
    def enough(self) -> str | None:
        """Why to go no further; None if there is no reason."""
        if self.raised >= self._most:
            return f"{self._most:,} events were raised"
        return f"it took {SECONDS:g} s" if ticks() > self._ends else None

    def _leaves_off(self) -> bool:
        """Whether to leave the rest of an instant."""
        return self.raised >= self._most + COMPARED_AT_ONCE or ticks() > self._ends

    def let_pass(self, time: datetime) -> None:
        """Let time pass up to a time before which nothing is due."""
        self._virtual.reach(time)
        self.run_due()

    def is_due(self, time: datetime) -> bool:
        """Whether something is left of an instant."""
        due = self.next_due()
        return due is not None and due <= time

    def news(self, until: datetime) -> Iterator[Record]:
        """What was handled since the last call, up to a time."""
        return (each for each in self._rehearsal.news() if each.at <= until)

    def state(self, pico_id: str) -> dict[str, Any]:
        """The entity variables of a pico, as `rid.name`, and the `app:` variables of its rulesets."""
        picos = self.store.picos
        rids = [row.rid for row in self.read(picos.installed, pico_id)]
        return {
            f"{rid}.{name}": value
            for rid in (*rids, *(f"{APP}{each}" for each in rids))
            for name, value in self.read(picos.entities, pico_id, rid).items()
        }

    def schedules(self, pico_id: str) -> list[Scheduled]:
        """What is scheduled in a pico."""
        rows = self.read(self.store.agenda.pending, pico_id)
        return [row for row in rows if row.kind in SCHEDULES]

    def count(self, side: int, differing: Differing, fires: Fires, until: datetime) -> None:
        """Count the occurrences recorded since the last call, up to a time."""
        for fire in self._rehearsal.occurrences():
            if fire.fired > until:
                continue
            if fire.outcome not in RAISED:
                differing.let_go(side, fire)
            elif differing.may_differ(fire.pico_id):
                fires.count(fire.fired)


def plan_of(
    engine: Wiring,
    rulesets: Sequence[str | Path],
    days: int = USUAL_DAYS,
    pico_id: str | None = None,
    asserted: Sequence[str] = (),
    most: int = USUAL_RAISED,
) -> Plan:
    """What would change in the next days; errors as for `Engine.plan`."""
    refuse_beyond(
        (days, MOST_DAYS, "days"), (most, MOST_RAISED, "events"), (len(rulesets), MOST_RULESETS, "rulesets")
    )
    holds, new = [parse_asserted(each) for each in asserted], _new(engine, rulesets)
    with ExitStack() as stack:
        copy = stack.enter_context(copied(engine.store.size(), partial(engine.read, engine.store.copy)))
        now, end = engine.now(), shifted(engine.now(), timedelta(days=days))
        wanted = {pico_id: new} if pico_id else _wanted(copy, new)
        if len(wanted) > MOST_DEPLOYED:
            many = f"found {len(wanted):,} picos with these rulesets"
            raise PicoschedError(f"{many}, wanted at most {MOST_DEPLOYED:,}: name one", "too_large")
        changes = {id: rest for id, each in wanted.items() if (rest := _differing(copy, id, each))}
        if not changes and not holds:
            return Plan(now, now)
        texts = {
            id: {hash_of(one.text): one.text for one in each} for id, each in (changes or wanted).items()
        }
        concerned = concerned_by(copy, texts)
        names = {row.id: row.name for row in copy.picos.picos()}
        leave_out(copy, concerned)
        out = _left_out(copy, concerned, names)
        told = [_deployed(copy, names, id, one) for id, each in changes.items() for one in each]
        twin = stack.enter_context(copied(copy.size(), copy.copy))
        settings = replace(engine.settings, base_url=engine.loaded.host(None) or "")
        made, ends = Made(), ticks() + SECONDS
        sides = [
            stack.enter_context(closing(Rehearsing(each, now, settings, most, ends, made)))
            for each in (copy, twin)
        ]
        for id, each in changes.items():
            for one in each:
                sides[AFTER].install(id, one)
        plan = Plan(now, end, tuple(told), left_out=out[:MOST_NAMED], left_out_more=len(out[MOST_NAMED:]))
        alike = frozenset(names) - concerned.affected
        return _compared(plan, sides, Differing(alike, made), Fires(()), Fires(holds))


# ---- what is deployed where ----------------------------------------------------------------------


def _new(engine: Wiring, rulesets: Sequence[str | Path]) -> list[New]:
    found: dict[str, New] = {}
    for each in read_new(engine, rulesets):
        if each.rid in found:
            raise PicoschedError(f"found the ruleset {each.rid} twice, wanted each once")
        found[each.rid] = each
    return [*found.values()]


def _wanted(store: Store, new: Sequence[New]) -> dict[str, list[New]]:
    """Where the rulesets go if no pico is named: to each pico that has them, or else to the root."""
    found: dict[str, list[New]] = {}
    root = store.picos.find_root()
    for each in new:
        having = store.sources.having(each.rid)
        for id in having or ([] if root is None else [root.id]):
            found.setdefault(id, []).append(each)
    return found


def _differing(store: Store, pico_id: str, new: Sequence[New]) -> list[New]:
    """Those that are not installed as they are."""
    installed = {row.hash for row in store.picos.installed(pico_id)}
    return [each for each in new if hash_of(each.text) not in installed]


def _deployed(store: Store, names: Mapping[str, str], pico_id: str, new: New) -> Deployed:
    rids = {row.rid for row in store.picos.installed(pico_id)}
    return Deployed(names[pico_id], new.rid, new.rid not in rids)


def _left_out(store: Store, concerned: Concerned, names: Mapping[str, str]) -> tuple[str, ...]:
    """The names of what is left out."""
    labels = [declaring.read(row, store.almanac).label for row in concerned.sources]
    parts = [
        names[id] if id not in concerned.kept else f"{rid} on {names[id]}" for id, rid in concerned.left_out
    ]
    return (*(f"the source {each}" for each in labels), *dict.fromkeys(parts))


# ---- two rehearsals ------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Cut:
    """Why the rehearsals ended early."""

    why: str
    until: datetime
    """Up to when they are compared."""
    whole: bool = True
    """Whether both passed all of that time, and nothing after it."""


def _compared(
    plan: Plan, sides: Sequence[Rehearsing], differing: Differing, was: Fires, fires: Fires
) -> Plan:
    """Let time pass for both, and fill in the plan."""
    cut = _let_pass(plan.until, sides, differing, (was, fires))
    picos = tuple(_picos(sides, differing, whole=cut is None or cut.whole))
    before, after = sides
    return replace(
        plan,
        until=plan.until if cut is None else cut.until,
        picos=picos[:MOST_PICOS],
        picos_more=len(picos[MOST_PICOS:]),
        differences=differing.differences(),
        more=differing.more,
        fires_before=was.total,
        fires_after=fires.total,
        busiest=fires.busiest,
        raised=before.raised + after.raised,
        cut=None if cut is None else cut.why,
        broken=fires.broken(),
    )


def _let_pass(
    until: datetime, sides: Sequence[Rehearsing], differing: Differing, fires: Sequence[Fires]
) -> Cut | None:
    """Let time pass in step; why it ended early, if it did."""
    # Few enough that the history they are read from is not pruned meanwhile.
    at_once = DUE_TIMES if sides[BEFORE].settings.history_days else 1
    cut = None
    while cut is None and (due := _soonest(sides)) is not None and due <= until:
        last = min(until, shifted(due, TOGETHER))
        raised = sum(each.raised for each in sides)
        for _ in range(at_once):
            cut = _pass(sides, due)
            following = _soonest(sides)
            many = sum(each.raised for each in sides) - raised > COMPARED_AT_ONCE
            if cut is not None or many or following is None or following > last:
                break
            due = following
        upto = due if cut is None else cut.until
        before, after = (each.news(upto) for each in sides)
        differing.compare(before, after)
        for number, side in enumerate(sides):
            side.count(number, differing, fires[number], upto)
    if cut is None:
        for side in sides:
            side.let_pass(until)
    return cut


def _soonest(sides: Sequence[Rehearsing]) -> datetime | None:
    return min((due for each in sides if (due := each.next_due()) is not None), default=None)


def _pass(sides: Sequence[Rehearsing], due: datetime) -> Cut | None:
    """Let both come to a due time; why they go no further."""
    for side, name in zip(sides, ("as installed", "with the change"), strict=True):
        try:
            side.let_pass(due)
        except PicoschedError as error:
            if error.code != "too_large":
                raise
            return Cut(f"{name}, {error.message}", due, whole=False)
        if side.enough and side.is_due(due):
            why = f"{name}, {side.enough} before all of {format_time(due)} was"
            return Cut(why, shifted(due, -MILLISECOND), whole=False)
    enough = next(filter(None, (each.enough for each in sides)), None)
    return None if enough is None else Cut(enough, due)


def _picos(sides: Sequence[Rehearsing], differing: Differing, *, whole: bool) -> Iterator[OfPico]:
    """What changes in each pico; its state and schedules too, if both came to the same time."""
    names = {row.id: row.name for each in reversed(sides) for row in each.read(each.store.picos.picos)}
    for id, name in names.items():
        if not differing.may_differ(id):
            continue
        state = [each.state(id) for each in sides] if whole else [{}, {}]
        schedules = [each.schedules(id) if whole else [] for each in sides]
        found = differing.of_pico(id, name, state, schedules)
        if found is not None:
            yield found
