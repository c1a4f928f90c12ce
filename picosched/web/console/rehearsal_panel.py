"""The panel that simulates an edited ruleset and compares it with the installed one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import replace
from datetime import timedelta
from typing import Any

from nicegui import ui
from nicegui.element import Element

from picosched.clock import format_time
from picosched.engine.concerned import concerned_by, leave_out
from picosched.engine.engine import Engine
from picosched.engine.rehearsed import Record
from picosched.errors import PicoschedError
from picosched.krl.text import tree_text
from picosched.notation import Input, directive_name, parse_input, values_text
from picosched.store.picos import hash_of
from picosched.store.store import Store
from picosched.web.api.rulesets import checked_ruleset
from picosched.web.console.compared import (
    MOST_RECORDS,
    MOST_SECONDS,
    Comparison,
    Pair,
    Rehearsal,
    Run,
    compare,
)
from picosched.web.console.frame import Console
from picosched.web.console.local_time import local_text, reader_zone
from picosched.web.console.parts import Text, box, button, panel

DAYS, MOST_DAYS = 30, 366
MOST_EVENTS = 200
SHOWN = 300
LARGEST_STORE = 200_000_000
"""Bytes. Copying blocks writers."""

LONGEST = 160
BOUNDS = f"{MOST_RECORDS:,} events or {MOST_SECONDS:.0f} seconds, or when stopped"

_rehearsing = threading.Semaphore(1)
"""Limits concurrent rehearsals, because they keep the interpreter busy."""


class Compared(Element, component="look/compared.js"):
    """Events of two rehearsals, side by side."""

    def __init__(self) -> None:
        super().__init__()
        self.props["rows"] = []

    def show(self, rows: Sequence[dict[str, Any]]) -> None:
        self.props["rows"] = [*rows]
        self.update()


class RehearsalPanel:
    """Asks what to rehearse, runs it, and shows the differences.

    `texts` returns, for a pico's id, its installed text (None if it has none) and the edited one.
    """

    def __init__(
        self,
        console: Console,
        picos: dict[str, str],
        chosen: str | None,
        texts: Callable[[str], tuple[str | None, str]],
    ) -> None:
        self._console = console
        self._texts = texts
        self._cancelled = threading.Event()
        self._done = 0.0
        self._found: Comparison | None = None
        with panel("What would change", "on a copy, in virtual time"):
            with box("filter-bar"):
                self._pico = ui.select(picos, label="On the pico", value=chosen)
                self._days = ui.number("Days", value=DAYS, min=1, max=MOST_DAYS, precision=0)
                self._events = ui.textarea(
                    "Events to raise, one per line", placeholder="tea:started minutes=5"
                ).classes("mono grow")
                self._events.props("autogrow rows=1 maxlength=20000")
            with box("line"):
                self._begin = button("Rehearse", self._rehearse, "primary", needs="planned")
                self._stop = button("Stop", self._cancelled.set)
                self._all = ui.checkbox("also what stays the same", on_change=self._show)
            with ui.element("progress").props('max="1" value="0" aria-label="How far"') as self._progress:
                pass
            self._said = Text("p", "").props('aria-live="polite"')
            self._list = Compared()
        for each in (self._stop, self._progress, self._list, self._all):
            each.set_visibility(False)

    async def _rehearse(self) -> None:
        pico = self._pico.value
        if not pico:
            self._said.show("Choose a pico, or install the ruleset on one first.")
            return
        self._cancelled.clear()
        self._running(True)
        timer = ui.timer(0.2, lambda: self._progress.props(f"value={self._done:.3f}"))
        try:
            with self._console.telling_errors():
                found = await self._console.run(lambda: self._worked(str(pico)))
                if not self._list.is_deleted:
                    self._found = found
                    self._all.value = False
                    self._show()
        finally:
            timer.deactivate()
            if not self._list.is_deleted:
                self._running(False)

    def _running(self, running: bool) -> None:
        self._begin.set_visibility(not running)
        self._stop.set_visibility(running)
        self._progress.set_visibility(running)
        if running:
            self._said.show("")
            self._list.set_visibility(False)
            self._all.set_visibility(False)

    def _worked(self, pico: str) -> Comparison:
        """Run both rehearsals; called in a thread."""
        before, after = self._texts(pico)
        checked_ruleset(after)
        inputs = _inputs(self._events.value or "")
        days = min(MOST_DAYS, max(1, int(self._days.value or DAYS)))
        engine = self._console.engine
        engine.permit("planned")
        if not _rehearsing.acquire(blocking=False):
            raise PicoschedError("another rehearsal is running; try again in a moment", "conflict")
        try:
            start = engine.now()
            raised = [(engine.pico(each.pico or pico).id, each.domain, each.type) for each in inputs]
            with closing(_copied(engine)) as store:
                concerned = concerned_by(store, {pico: {hash_of(after): after}}, raised)
                leave_out(store, concerned)
                what = Rehearsal(store, pico, start, start + timedelta(days=days), inputs, engine.settings)
                runs: list[Run] = []
                for part, source in enumerate((before, after)):

                    def progress(done: float, part: int = part) -> None:
                        self._done = (part + done) / 2

                    runs.append(what.run(source, self._cancelled, progress))
            return replace(compare(*runs), left_out=len(concerned.left_out) + len(concerned.sources))
        finally:
            _rehearsing.release()

    def _show(self) -> None:
        found = self._found
        if found is None:
            return
        same = found.count("same")
        pairs = found.pairs if self._all.value else [pair for pair in found.pairs if pair.how != "same"]
        self._all.set_visibility(same > 0)
        self._list.set_visibility(bool(pairs))
        self._list.show([_row(pair) for pair in pairs[:SHOWN]])
        self._said.show(_summary(found, len(pairs)))


def _summary(found: Comparison, shown: int) -> str:
    counts = [(found.count(how), how) for how in ("new", "gone", "changed", "same")]
    words = ", ".join(f"{count:,} {how if how != 'same' else 'the same'}" for count, how in counts if count)
    told = f"Events of this pico: {words}." if words else "This pico would handle no event."
    if found.cut is not None:
        told += f" It ended at {local_text(found.cut, reader_zone())}, after {BOUNDS}."
    if found.left_out:
        told += f" Left out, since they cannot influence it: {found.left_out:,} rulesets and sources."
    if shown > SHOWN:
        told += f" The first {SHOWN} are shown."
    return told


def _row(pair: Pair) -> dict[str, Any]:
    return {
        "how": pair.how,
        "at": format_time(pair.record.at),
        "before": _side(pair.before),
        "after": _side(pair.after),
    }


def _side(record: Record | None) -> dict[str, Any] | None:
    if record is None:
        return None
    event = _short(f"{record.domain}:{record.type} {values_text(record.attrs)}".strip())
    fired = [f"{each['rid']}.{each['rule']}" for each in record.considered if each["outcome"] == "fired"]
    lines = [
        "fired " + ", ".join(fired) if fired else "no rule fired",
        *(
            _short(f"{directive_name(each['name'])} {tree_text(each['options'])}")
            for each in record.directives
        ),
        *(_short(f"error: {each}") for each in record.errors),
        *(_short(f"would request {each['method']} {each['url']}") for each in record.outside),
    ]
    return {"event": event, "lines": lines}


def _short(words: str) -> str:
    return words if len(words) <= LONGEST else words[: LONGEST - 1] + "…"


def _inputs(given: str) -> list[Input]:
    lines = [line for line in given.splitlines() if line.strip()]
    if len(lines) > MOST_EVENTS:
        raise PicoschedError(f"found {len(lines)} events, wanted at most {MOST_EVENTS}", "too_large")
    return [parse_input(line) for line in lines]


def _copied(engine: Engine) -> Store:
    """An in-memory copy of the store. `too_large` if the store is too big to copy."""
    size = engine.read(engine.store.size)
    if size > LARGEST_STORE:
        raise PicoschedError(
            f"found a database of {size // 1_000_000} MB, wanted at most "
            f"{LARGEST_STORE // 1_000_000}: use picosched simulate --db {engine.store.name}",
            "too_large",
        )
    return engine.read(engine.store.copy)
