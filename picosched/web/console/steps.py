"""Actions on scheduled events: dialogs that preview the result.

Each is a method of `engine/agenda.py`, for one row, selected rows, or all that match a filter. A dialog
does a dry run whenever its fields change, shows the result, and applies it when confirmed.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from itertools import islice
from zoneinfo import ZoneInfo

from nicegui import ui
from nicegui.element import Element
from nicegui.elements.input import Input

from picosched.clock import LAST
from picosched.engine.agenda import Which
from picosched.errors import PicoschedError
from picosched.notation import parse_duration, time_or_later
from picosched.schedule.filter import Filter
from picosched.schedule.scheduled import Scheduled
from picosched.schedule.window import Window
from picosched.schedule.within import Within
from picosched.timespec.almanac import Almanac
from picosched.timespec.timespec import Timespec
from picosched.web.console.frame import Console, notify
from picosched.web.console.local_time import local_text, read_local, reader_zone, time_field
from picosched.web.console.parts import badge, button, event_path, moment, named_dialog, text
from picosched.web.console.turn_shown import Told, show_told

MOST_TRIED = 5_000
"""With more matching rows there is no dry run; only their number is shown."""

SHOWN_TIMES = 5

Do = Callable[[bool], list[Scheduled]]
"""An action: takes whether it is a dry run, returns the changed rows in their new state."""
Changed = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class Chosen:
    """The selected rows, their number, and a phrase for them."""

    which: Which
    count: int
    words: str

    @property
    def is_one(self) -> bool:
        return isinstance(self.which, str)


def one(row: Scheduled) -> Chosen:
    """A single row."""
    return Chosen(row.id, 1, label_of(row))


def label_of(row: Scheduled) -> str:
    """The label of a scheduled event: its name, or its event."""
    return row.name or f"{row.domain}:{row.type}"


class Steps:
    """The dialogs of a page. `changed` is called after a change."""

    def __init__(self, console: Console, changed: Changed) -> None:
        self._console = console
        self._agenda = console.engine.agenda
        self._changed = changed
        self._place = ui.element("div").classes("apart")
        """Parent of dialogs and messages, because the buttons may be redrawn while one is open."""

    def _ask(self, title: str, verb: str, *, danger: bool = False) -> _Ask:
        self._place.clear()
        return _Ask(self._console, self._place, title, verb, self._changed, danger=danger)

    def buttons(self, row: Scheduled) -> None:
        """Buttons for the actions on a row."""
        chosen = one(row)
        with ui.element("div").classes("steps"):
            if row.due is None:
                text("span", "It has ended and cannot be changed.", "muted small")
                return
            if row.paused and not row.held:
                button("Resume", lambda: self.resume(chosen), "small primary", needs="resumed")
            else:
                button("Pause…", lambda: self.pause(chosen), "small", needs="paused")
            if row.kind == "window":
                text("span", "The calendar determines the edges of a window.", "muted small")
                return
            button("Fire now…", lambda: self.fire(row), "small", needs="fired")
            button("Move…", lambda: self.move(chosen, row.due), "small", needs="moved")
            button("Timespec…", lambda: self.reschedule(chosen, row), "small", needs="rescheduled")
            button("Cancel…", lambda: self.cancel(chosen), "small danger", needs="cancelled")

    def pause(self, chosen: Chosen) -> None:
        with self._ask(f"Pause {chosen.words}", "Pause") as ask:
            zone = reader_zone()
            until = time_field(
                f"Until, {zone.key}", "", "2026-03-01 09:00, or 2h; empty: until it is resumed"
            )

            def do(dry_run: bool) -> list[Scheduled]:
                time = _time_of(until.value or "", self._console.engine.now(), zone)
                return self._agenda.pause(chosen.which, time, dry_run=dry_run)

            ask.about(chosen, do, until)

    async def resume(self, chosen: Chosen) -> None:
        with self._place, self._console.telling_errors():
            done = await self._console.run(lambda: self._agenda.resume(chosen.which))
            _tell("resumed", done)
            await self._changed()

    def move(self, chosen: Chosen, due: datetime | None = None) -> None:
        with self._ask(f"Move {chosen.words}", "Move") as ask:
            to, zone = None, reader_zone()
            if due is not None:
                to = time_field(f"To, {zone.key}", f"{due.astimezone(zone):%Y-%m-%d %H:%M:%S}")
            by = _field("Or by" if due is not None else "By", "", "30m, 1h30m, -2h")
            with ui.element("div").classes("steps"):
                for words in ("5m", "1h", "1d"):
                    button(f"+{words}", lambda words=words: by.set_value(words), "small")
            words = "Later occurrences of a repeat keep their times. A past time means now."
            text("p", words, "muted small")

            def do(dry_run: bool) -> list[Scheduled]:
                return self._agenda.move(
                    chosen.which, _target(None if to is None else to.value, by.value, zone), dry_run=dry_run
                )

            ask.about(chosen, do, *([] if to is None else [to]), by)

    def cancel(self, chosen: Chosen) -> None:
        with self._ask(f"Cancel {chosen.words}?", "Cancel it", danger=True) as ask:
            text("p", "It will not fire any more. Its history is kept.", "muted")
            reason = _field("Reason", "", "for the record; optional").props("maxlength=1000")

            def do(dry_run: bool) -> list[Scheduled]:
                return self._agenda.cancel(
                    chosen.which, (reason.value or "").strip() or None, dry_run=dry_run
                )

            ask.about(chosen, do)

    def reschedule(self, chosen: Chosen, row: Scheduled | None = None) -> None:
        with self._ask(f"New timespec for {chosen.words}", "Change") as ask:
            spec = _field("Timespec", (row and row.timespec) or "", "0 9 * * 1-5, or: last day of month at 9")
            zone = _field("Zone", (row.tz if row else "") or "", "UTC" if row else "unchanged")
            spec.classes("mono")
            if row is not None and row.timespec is None:
                text("p", "It fires once; with a timespec it becomes a repeat.", "muted small")
            told = ui.element("div")

            def do(dry_run: bool) -> list[Scheduled]:
                wanted = (spec.value or "").strip()
                if not wanted:
                    raise PicoschedError("wanted a timespec, such as 0 9 * * 1-5")
                tz = (zone.value or "").strip() or None
                if dry_run:
                    Timespec.parse(wanted, tz or "UTC", self._console.engine.settings.almanac)
                return self._agenda.reschedule(chosen.which, wanted, tz, dry_run=dry_run)

            def explain() -> None:
                told.clear()
                with told:
                    engine = self._console.engine
                    tell_timespec(
                        spec.value or "", zone.value or "UTC", engine.now(), engine.settings.almanac
                    )

            for each in (spec, zone):
                each.on_value_change(explain)
            explain()
            ask.about(chosen, do, spec, zone)

    def fire(self, row: Scheduled) -> None:
        """Confirm, raise its event now, and show the turn."""
        self._place.clear()
        title = f"Fire {label_of(row)} now"
        with self._place, named_dialog(title) as dialog, ui.card():
            dialog.open()
            text("h2", title)
            after = "It is then finished." if row.timespec is None else "Its schedule does not change."
            text("p", f"Raises {row.domain}:{row.type} outside its schedule. {after}", "muted")
            result = ui.element("div").classes("stack")

            async def fire() -> None:
                with self._console.telling_errors():
                    turn = await self._console.run(lambda: self._agenda.fire_now(row.id))
                    done.delete()
                    with result:
                        show_told(Told.of_turn(turn))
                        ui.link("The turn in the journal", event_path(turn.eid))
                    await self._changed()

            with ui.element("div").classes("dialog-buttons"):
                button("Close", dialog.close).props("autofocus")
                done = button("Fire now", fire, "primary")


class _Ask:
    """A dialog: fields, a preview of the result, and a button to apply it."""

    def __init__(
        self,
        console: Console,
        place: Element,
        title: str,
        verb: str,
        changed: Changed,
        *,
        danger: bool = False,
    ) -> None:
        self._console = console
        self._place = place
        self._changed = changed
        self._title, self._verb, self._danger = title, verb, danger
        self._tries = 0

    def __enter__(self) -> _Ask:
        with ExitStack() as inside:
            inside.enter_context(self._place)
            self._dialog = inside.enter_context(named_dialog(self._title))
            inside.enter_context(ui.card())
            text("h2", self._title)
            self._inside = inside.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._inside.close()
        self._dialog.open()

    def about(self, chosen: Chosen, do: Do, *fields: Input) -> None:
        """The lower half: the preview, updated when a field changes, and the buttons."""
        preview = ui.element("div").classes("preview").props('aria-live="polite"')

        async def look() -> None:
            self._tries += 1
            mine = self._tries
            told = await self._console.run(lambda: _tried(chosen, do))
            if mine == self._tries and not preview.is_deleted:
                _show_tried(preview, told, chosen)
                self._do.props["disabled"] = isinstance(told, str)

        async def confirm() -> None:
            with self._console.telling_errors():
                done = await self._console.run(lambda: do(False))
                self._dialog.close()
                _tell("changed", done)
                await self._changed()

        for field in fields:
            field.on_value_change(look)
            field.on("keydown.enter", confirm)
        with ui.element("div").classes("dialog-buttons"):
            close = button("Close", self._dialog.close)
            self._do = button(self._verb, confirm, "danger" if self._danger else "primary")
        (fields[0] if fields else close).props("autofocus")
        ui.timer(0.01, look, once=True)


Tried = str | list[Scheduled] | None
"""The error, the rows that would change, or None if there are too many for a dry run."""


def _tried(chosen: Chosen, do: Do) -> Tried:
    try:
        return do(True) if chosen.count <= MOST_TRIED else None
    except PicoschedError as error:
        return error.message


def _show_tried(preview: Element, told: Tried, chosen: Chosen) -> None:
    preview.clear()
    preview.classes(
        add="bad" if isinstance(told, str) else "", remove="bad" if not isinstance(told, str) else ""
    )
    with preview:
        if isinstance(told, str):
            text("span", told)
        elif told is None:
            text("span", f"{chosen.count:,} rows; too many for a preview.")
        elif not told:
            text("span", "Nothing would change.")
        elif chosen.is_one:
            _show_after(told[0])
        else:
            text("span", f"{len(told):,} of {chosen.count:,} would change.")
            for row in told[:SHOWN_TIMES]:
                with ui.element("div").classes("line"):
                    text("span", label_of(row), "mono")
                    badge(row.state)
                    if row.due is not None:
                        moment(row.due)
            if len(told) > SHOWN_TIMES:
                text("span", "…", "muted")


def _show_after(row: Scheduled) -> None:
    with ui.element("div").classes("line"):
        text("span", "Then it is", "muted")
        badge(row.state)
        if row.due is not None:
            text("span", "next due" if not row.paused else "with the due time", "muted")
            moment(row.due)
    if row.paused_until is not None:
        with ui.element("div").classes("line"):
            text("span", "It resumes automatically", "muted")
            moment(row.paused_until)


def tell_timespec(
    spec: str,
    tz: str,
    now: datetime,
    almanac: Almanac,
    count: int = SHOWN_TIMES,
    window: Window | None = None,
) -> None:
    """Show a timespec in words with its next times, those in its window if it has one, or the error in it."""
    if not spec.strip():
        return
    try:
        read = Timespec.parse(spec.strip(), tz.strip() or "UTC", almanac).starting(now)
        found = read if window is None else Within(read, window)
        times = list(islice(found.between(now, LAST), count))
    except PicoschedError as error:
        text("p", error.message, "bad-text")
        return
    text("p", read.explain(), "words")
    if ending := read.ending(now):
        text("p", ending, "bad-text")
    if window is not None and not times:
        text("p", f"The window {window.name} is closed at each of its next times.", "bad-text")
    left_out = [*map(str, read.left_out(now, times[-1]))] if times else []
    if left_out:
        text("p", f"Left out: {'; '.join(left_out)}", "muted small")
    with ui.element("ul").classes("times"):
        for time in times:
            with ui.element("li"):
                moment(time)


def _field(label: str, value: str, hint: str) -> Input:
    return ui.input(label, value=value, placeholder=hint).props("debounce=200 maxlength=4000 stack-label")


def _target(to: str | None, by: str | None, zone: ZoneInfo) -> datetime | timedelta:
    if by and by.strip():
        given = by.strip().removeprefix("+")
        return -parse_duration(given[1:]) if given.startswith("-") else parse_duration(given)
    if not to:
        raise PicoschedError("wanted a time, or a duration such as 30m")
    return read_local(to, zone)


def _time_of(given: str, now: datetime, zone: ZoneInfo) -> datetime | None:
    """Parse a time, or a duration from now; None if empty."""
    given = given.strip()
    if not given:
        return None
    return time_or_later(given, now, partial(read_local, zone=zone))


def _tell(verb: str, rows: Sequence[Scheduled]) -> None:
    if not rows:
        notify("Nothing changed: it had ended, or was already in that state.", "warn")
    elif len(rows) == 1:
        row = rows[0]
        due = "" if row.due is None else f", due {local_text(row.due, reader_zone())}"
        notify(f"{label_of(row)} is {row.status.value}{due}")
    else:
        notify(f"{len(rows):,} events were {verb}")


def counted(which: Filter, count: int) -> Chosen:
    """All rows that match a filter."""
    return Chosen(which, count, f"all {count:,} that match the filter")
