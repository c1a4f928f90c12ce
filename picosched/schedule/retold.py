"""Parses rows and records from the maps produced by `shown`."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import TypeVar

from picosched.errors import PicoschedError
from picosched.fields import Fields
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import SCHEDULES, Misfire, Outcome, Scheduled, Status
from picosched.schedule.steering import LONGEST_TEXT, MOST_COUNT, MOST_JITTER
from picosched.schedule.window import read_window
from picosched.timespec.timespec import Timespec

Word = TypeVar("Word", bound=StrEnum)


def read_row(told: Fields, pico_id: str) -> Scheduled:
    """The scheduled event described by a map; PicoschedError `invalid` for errors in it."""
    domain, _, type = told.text("event").partition(":")
    return Scheduled(
        id=told.text("id"),
        pico_id=pico_id,
        rid=told.text("rid"),
        domain=domain,
        type=type,
        attrs=told.map("attrs"),
        kind=told.text("kind"),
        due=told.maybe_time("due"),
        created=told.time("created"),
        rule=told.maybe_text("rule"),
        line=told.maybe_whole("line"),
        timespec=told.maybe_text("timespec"),
        name=told.maybe_text("name"),
        tz=told.text("tz"),
        status=_word(told, "status", Status),
        fires=told.whole("fires"),
        fired=told.maybe_time("fired"),
        paused_until=told.maybe_time("paused_until"),
        misfire=_word(told, "misfire", Misfire) if told.has("misfire") else None,
        until=told.maybe_time("until"),
        count=told.maybe_whole("count", 1, MOST_COUNT),
        jitter=round(told.number("jitter", 0, MOST_JITTER) * 1000),
        description=told.maybe_text("description"),
        moved_from=told.maybe_time("moved_from"),
        window=told.maybe_text("window"),
    )


def check_row(row: Scheduled, where: str) -> None:
    """PicoschedError `invalid` if an engine could not raise it."""
    live = row.status in (Status.PENDING, Status.PAUSED)
    for wrong, wanted in (
        (row.kind not in SCHEDULES, f'kind "{row.kind}", wanted one of {", ".join(SCHEDULES)}'),
        (not (row.id and row.domain and row.type), "an empty id or event, wanted id and domain:type"),
        (live and row.due is None, f'nothing that is "due", wanted a time for what is {row.status.value}'),
        (not live and row.due is not None, f'"due", wanted none for what is {row.status.value}'),
        (row.kind != "at" and row.timespec is None, f"no timespec, wanted one for a {row.kind}"),
        (
            any(text and len(text) > LONGEST_TEXT for text in (row.name, row.window, row.description)),
            f"a name, window or description of more than {LONGEST_TEXT:,} characters, wanted fewer",
        ),
        (row.kind == "at" and row.timespec is not None, "a timespec, wanted none for an at"),
        (
            row.paused_until is not None and row.status is not Status.PAUSED,
            f'"paused_until", wanted none for what is {row.status.value}',
        ),
        (
            row.moved_from is not None and not (live and row.timespec),
            '"moved_from", wanted it with a repeat that is to come only',
        ),
    ):
        if wrong:
            raise PicoschedError(f"{where}: found {wanted}")
    if row.timespec is not None:
        timespec, tz, name = row.timespec, row.tz, row.name
        read: Callable[[], object] = lambda: Timespec.parse(timespec, tz)  # noqa: E731
        if row.kind == "window":
            read = lambda: read_window(name or "", timespec, tz)  # noqa: E731
        try:
            read()
        except PicoschedError as cause:
            raise PicoschedError(f"{where}: {cause.message}") from cause


def read_fire(told: Fields, pico_id: str) -> Fire:
    """The fire described by a map."""
    return Fire(
        id=told.text("id"),
        pico_id=pico_id,
        nominal=told.time("nominal"),
        fired=told.time("fired"),
        outcome=_word(told, "outcome", Outcome),
        eid=told.maybe_text("eid"),
        rules=tuple(told.texts("rules")),
        why=told.maybe_text("why"),
        stands_for=told.whole("stands_for", 1),
    )


def _word(told: Fields, name: str, words: type[Word]) -> Word:
    text = told.text(name)
    try:
        return words(text)
    except ValueError as cause:
        wanted = ", ".join(words)
        raise PicoschedError(f'{told.where}.{name}: found "{text}", wanted one of {wanted}') from cause
