"""The components of pages: panels, lists, times, badges, JSON trees, empty states.

The content comes from rulesets and events, which are untrusted: it is passed only as `text` props and
through Vue's interpolation, never as HTML. Links are built here from quoted ids.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from nicegui import ui
from nicegui.element import Element
from nicegui.events import GenericEventArguments

from picosched.acting import ACTIONS
from picosched.clock import format_time
from picosched.errors import PicoschedError
from picosched.schedule.backfill import RAISED
from picosched.schedule.fire import Fire
from picosched.schedule.scheduled import Scheduled
from picosched.web.caller import caller
from picosched.web.console.frame import notify

Kind = Literal["text", "prose", "mono", "number", "time", "actions"]
Cell = str | int | float | None | Mapping[str, Any] | Sequence[Mapping[str, Any]]
"""A text, or `{"text", "href", "title", "tone", "place"}`; ISO 8601 in a column of times; a list of
`{"name", "text", "title", "tone", "needs"}` in a column of actions; `needs` is one of ACTIONS."""

TONES = {
    "fired": "good",
    "late": "warn",
    "coalesced": "warn",
    "failed": "bad",
    "throttled": "warn",
    "waiting": "accent",
    "pending": "accent",
    "paused": "warn",
    "held": "warn",
    "raised": "good",
    "accepted": "good",
    "tried again": "warn",
    "given up": "bad",
    "dropped": "bad",
    "up": "good",
    "leaving": "accent",
    "silent": "warn",
    "gone": "bad",
}
"""The colours of outcomes and states; others are quiet."""

AT_WORK = "the one before is still at work"
"""Why a row is held."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a list."""

    name: str
    label: str
    kind: Kind = "text"


class Listing(Element, component="look/listing.js"):
    """A table whose rows are replaced as a whole: `show(rows)`, each a map of cells with a `key`.

    Where the table would be wider than its place, on a phone or in a small panel, each row is a card.
    """

    def __init__(self, caption: str, columns: Sequence[Column]) -> None:
        super().__init__()
        self.props["columns"] = [asdict(each) for each in columns]
        self.props["caption"] = caption
        self.props["rows"], self.props["version"] = [], 0
        self._needs: dict[str, str | None] = {}
        """The names of the actions that rows were given → what they need."""

    def show(self, rows: Sequence[Mapping[str, Cell]]) -> None:
        """Show these rows; actions that the caller may not do are off, and say what they need, of ACTIONS.

        The browser is sent the new and changed rows, and the places of the others.
        """
        names = [each["name"] for each in self.props["columns"] if each["kind"] == "actions"]
        given = [act for row in rows for name in names for act in _actions(row.get(name))]
        self._needs |= {act["name"]: act.get("needs") for act in given}
        rows = [{**row, **{name: _turned_off(row[name]) for name in names if name in row}} for row in rows]
        old = {row.get("key"): (place, row) for place, row in enumerate(self.props["rows"])}
        if self.props["rows"] == rows:
            return
        order: list[Any] = []
        for row in rows:
            place, known = old.get(row.get("key"), (-1, None))
            order.append(place if known == row else row)
        with self.props.suspend_updates():  # rows are sent whole only to a page that is loaded
            self.props["rows"] = [*rows]
            self.props["version"] += 1
        self.run_method("change", self.props["version"], order)

    def on_act(self, called: Callable[[str, str], Any]) -> None:
        """Call `called(action, key)` when a row's button is pressed by somebody who may do what it needs."""

        def act(event: GenericEventArguments) -> Any:
            action = event.args["action"]
            known = action in self._needs and permitted(self._needs[action])
            return called(action, event.args["key"]) if known else None

        self.on("act", act)


def _actions(cell: Any) -> Sequence[Mapping[str, Any]]:
    return cell or ()


def _turned_off(cell: Any) -> list[Mapping[str, Any]]:
    """The actions of a row, with why the caller may not do them."""
    return [{**each, "off": _why_not(each.get("needs"))} for each in _actions(cell)]


class JsonTree(Element, component="look/json_tree.js"):
    """A JSON value as a read-only collapsible tree."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.props["value"] = value


def text(tag: str, words: str, classes: str = "") -> Text:
    """An element containing only text."""
    return Text(tag, words).classes(classes)


class Text(Element):
    """An element of any tag containing plain text."""

    def __init__(self, tag: str, words: str) -> None:
        super().__init__(tag)
        self._text = words
        self.needs: str | None = None
        """Of a button: what it needs, one of ACTIONS."""

    def show(self, words: str) -> None:
        if self._text != words:
            self._text = words
            self.update()


class Sentences(Element):
    """An element of any tag with words of the engine, whose times are shown in the zone of the reader."""

    def __init__(self, tag: str, words: str) -> None:
        super().__init__(tag)
        with self:
            self._words = ui.element("pico-told")
        self.show(words)

    def show(self, words: str) -> None:
        self._words.props["text"] = words


@contextmanager
def panel(title: str, side: str | None = None) -> Iterator[Text | None]:
    """A box with a heading; yields its side text, if there is one."""
    with ui.element("section").classes("panel"):
        with ui.element("header"):
            text("h2", title)
            beside = None if side is None else Text("span", side).classes("side")
        yield beside


@contextmanager
def box(classes: str) -> Iterator[Element]:
    with ui.element("div").classes(classes) as element:
        yield element


@contextmanager
def filter_bar(given: bool = False) -> Iterator[Element]:
    """The fields of a filter. Where it is narrow they are folded until a button is pressed, unless some are
    `given` by the URL."""
    with ui.element("div").classes("filter-fold"):
        opener = ui.element("button").classes("button small fold")
        opener.props(
            f"type=button data-opens=filters aria-controls=filters aria-expanded={str(given).lower()}"
        )
        with opener:
            ui.label("Filters")
        with ui.element("div").classes("filter-bar" + " open" * given).props("id=filters") as bar:
            yield bar


def moment(time: datetime | None) -> Element:
    """A time, relative and absolute, with the local time on hover."""
    if time is None:
        return Text("span", "–").classes("muted")
    element = ui.element("pico-time")
    element.props["at"] = format_time(time)
    return element


def long_name(tag: str, words: str, classes: str = "", href: str | None = None) -> Element:
    """An element with a name that may be longer than its line, which then ends behind one of its signs and
    not inside a word; a link with `href`."""
    with ui.element(tag).classes(classes) as element:
        ui.element("pico-name").props["text"] = words
    if href is not None:
        element.props["href"] = href
    return element


def badge(word: str, tone: str | None = None, title: str | None = None) -> Element:
    """An outcome or a state, in its colour."""
    element = Text("span", word).classes(f"badge {tone or TONES.get(word, '')}")
    if title:
        element.props["title"] = title
    return element


def badge_cell(word: str, title: str | None = None) -> dict[str, Any]:
    """A badge in a list."""
    return {"text": word, "tone": TONES.get(word, "quiet"), "title": title}


def link_cell(words: str, href: str, title: str | None = None) -> dict[str, Any]:
    return {"text": words, "href": href, "title": title}


def time_cell(time: datetime | None) -> str | None:
    return None if time is None else format_time(time)


def button(
    words: str, called: Callable[..., Any] | None = None, tone: str = "", *, needs: str | None = None
) -> Text:
    """A button; `tone` is "primary", "danger", "small" or several of them.

    It is off, and says why, for whoever may not do what it `needs`, one of ACTIONS; and it does nothing but
    say so if that one presses it nevertheless.
    """
    element = Text("button", words).classes(f"button {tone}").props("type=button")
    if called is not None:
        element.on("click", lambda: called() if permitted(element.needs) else None)
    if needs is not None:
        turn_off(element, needs)
    return element


def turn_off(element: Text, needs: str | None) -> None:
    """Turn a button off, with the reason, if the caller may not do what it needs; on for None."""
    element.needs = needs
    why = _why_not(needs)
    element.props["disabled"] = why is not None
    if why is not None:
        element.props["title"] = why


def permitted(needs: str | None) -> bool:
    """Whether the caller may do what this needs, one of ACTIONS or None; tells why not.

    A button that is off can be pressed all the same, by hand.
    """
    why = _why_not(needs)
    if why is not None:
        notify(why, "bad")
    return why is None


def _why_not(needs: str | None) -> str | None:
    actor = caller().actor
    if needs is None or actor.may(needs):
        return None
    return f'The token "{actor.name}" has the role {actor.role}: this needs the role {ACTIONS[needs]}'


def fault_in(read: Callable[[], object]) -> str | None:
    """What is wrong with a field that is read so, for its validation; None if nothing is."""
    try:
        read()
    except PicoschedError as error:
        return error.message
    return None


def empty(what: str, more: str, command: str | None = None, *links: tuple[str, str]) -> Element:
    """An empty state: what is missing, and how to proceed: a command, and links as text and path."""
    with ui.element("div").classes("empty") as element:
        text("strong", what)
        text("p", more)
        if command is not None:
            text("pre", command)
        if links:
            with box("line"):
                for words, path in links:
                    ui.link(words, path)
    return element


def nothing_matches(here: str) -> Element:
    """The empty state of a filter that leaves nothing; `here` is the page without one."""
    return empty("Nothing matches this filter", "Clear a field, or all of them.", None, ("Show all", here))


def wrong_filter(here: str) -> Element:
    """The empty state of a filter of the URL that is wrong."""
    more = "What is wrong stands at its field."
    return empty("This filter cannot be read", more, None, ("Show all", here))


def show_either(one: Element, other: Element, first: bool) -> None:
    """Show one of two elements: usually a list or its empty state."""
    one.set_visibility(first)
    other.set_visibility(not first)


def named_dialog(name: str) -> ui.dialog:
    """A dialog, with its name for screen readers."""
    dialog = ui.dialog()
    dialog.props["aria-label"] = name
    return dialog


async def confirmed(question: str, more: str, verb: str) -> bool:
    """Ask for confirmation in a dialog; Esc means no."""
    with named_dialog(question) as dialog, ui.card():
        text("h2", question)
        text("p", more, "muted")
        with box("dialog-buttons"):
            button("Close", lambda: dialog.submit(False)).props("autofocus")
            button(verb, lambda: dialog.submit(True), "danger")
    answer = await dialog
    dialog.clear()
    return bool(answer)


def pico_path(id: str) -> str:
    return f"/picos/{quote(id, safe='')}"


def ruleset_path(rid: str, pico_id: str | None = None, line: int | None = None) -> str:
    """The path of a ruleset's page, for a pico's version and a line."""
    asked = [*([f"pico={quote(pico_id, safe='')}"] if pico_id else []), *([f"line={line}"] if line else [])]
    return f"/rulesets/{quote(rid, safe='')}" + (f"?{'&'.join(asked)}" if asked else "")


def turn_path(seq: int) -> str:
    return f"/journal/{seq}"


def path_path(what: str) -> str:
    """The path of the page of an event's path, by a turn's number or a schedule's id."""
    return f"/path/{quote(what, safe='')}"


def event_path(eid: str) -> str:
    """The path of an event's turn."""
    return f"/journal?eid={quote(eid, safe='')}"


def when_text(row: Scheduled) -> str:
    """The timespec of a row, without line breaks if it is short, and its window; of an edge its window."""
    if row.kind == "window":
        return f"window {row.name}"
    timespec = row.timespec or "once"
    times = timespec.replace(" ", "\N{NO-BREAK SPACE}") if len(timespec) <= 24 else timespec
    return times if row.window is None else f"{times} in window {row.window}"


def late_cell(fire: Fire) -> str | None:
    """The lateness of a fire in a list; nothing if it was not raised, or before its time."""
    return late_text(fire.lateness) if fire.outcome in RAISED and fire.lateness >= 0 else None


def late_text(seconds: float) -> str:
    """A lateness in short form: `12 ms`, `3.4 s`, `5 min`, `2.1 h`."""
    size = abs(seconds)
    if size < 1:
        return f"{seconds * 1000:.0f} ms"
    if size < 60:
        return f"{seconds:.1f} s"
    return f"{seconds / 60:.0f} min" if size < 5400 else f"{seconds / 3600:.1f} h"
