"""The dialog of an alert: makes one, or changes one that was made; it says whom it would tell of what.

Neither a URL's secrets nor the secret that signs are shown again: left empty, they stay as they are.
"""

from __future__ import annotations

from typing import Any

from nicegui import ui

from picosched.errors import PicoschedError
from picosched.schedule.alert import MOST_AFTER, TOLD, AlertState
from picosched.schedule.happenings import TYPES
from picosched.web.console.asked import Asked
from picosched.web.console.frame import Console
from picosched.web.console.parts import box, text

STAYS = " (empty: as it is)"
"""Behind the label of a field, in the dialog of an alert that there is."""


async def ask_alert(console: Console, old: AlertState | None = None) -> bool:
    """Make an alert, or change one; whether it was done."""
    title, verb = ("A new alert", "Create") if old is None else (f"The alert {old.name}", "Change")
    with Asked(console, title, verb, wide=True) as asked:
        fields = _Fields(console, old)

    def work() -> None:
        if old is None:
            console.engine.add_alert(fields.name, **fields.given)
        else:
            console.engine.change_alert(old.name, **fields.given)

    return await asked.done(work)


class _Fields:
    def __init__(self, console: Console, old: AlertState | None) -> None:
        self._console = console
        self._old = old
        self._asked = 0
        """Previews asked for; an answer that comes when there is a later one is not shown."""
        if old is None:
            self._name = ui.input("Name").props("autofocus autocomplete=off maxlength=64 stack-label")
        stays = STAYS * (old is not None)
        shown = "https://…, mailto:… or eci:…" if old is None else old.to
        self._to = ui.input(f"Tells{stays}", placeholder=shown).classes("mono")
        self._to.props("autocomplete=off debounce=200")
        on = TOLD if old is None else old.on
        with ui.element("fieldset").classes("line"):
            text("legend", "Of what is", "small muted")
            self._on = {each: ui.checkbox(each, value=each in on) for each in TYPES}
        after = 1 if old is None else old.after
        self._after = ui.number("Failures in a row", value=after, min=1, max=MOST_AFTER, precision=0)
        self._secret = ui.input(f"Secret that signs requests{stays}", password=True)
        self._secret.props("autocomplete=new-password debounce=200")
        self._unsigned = ui.checkbox("Sign requests no more")
        self._unsigned.set_visibility(old is not None and old.signed)
        with box("preview"):
            self._told = text("p", "", "small").props("aria-live=polite")
        for field in (self._to, self._after, self._secret):
            field.props("stack-label").on_value_change(self._preview)
        for each in (*self._on.values(), self._unsigned):
            each.on_value_change(self._preview)
        if old is not None:
            ui.timer(0, self._preview, once=True)

    @property
    def name(self) -> str:
        return (self._name.value or "").strip()

    @property
    def given(self) -> dict[str, Any]:
        """What the fields say, as `add_alert` and `change_alert` take it."""
        to, secret = (self._to.value or "").strip(), self._secret.value or ""
        if self._unsigned.value and secret:
            raise PicoschedError("found a secret, wanted none, as requests are to be signed no more")
        if self._old is None and not to:
            raise PicoschedError("found nobody to tell, wanted a URL, mailto: and an address, or eci:")
        after = self._after.value
        given = {
            "on": [each for each, box in self._on.items() if box.value],
            "after": int(after) if isinstance(after, int | float) else 0,
        }
        return {
            **given,
            **({"to": to} if to else {}),
            **({"secret": secret} if secret or self._unsigned.value else {}),
        }

    async def _preview(self) -> None:
        engine, old = self._console.engine, self._old
        self._asked += 1
        asked = self._asked
        try:
            given = self.given
            name = "new" if old is None else old.name
            told = f"It {await self._console.run(lambda: engine.preview_alert(name, **given))}."
        except PicoschedError as error:
            told = str(error)
        if asked == self._asked and not self._told.is_deleted:
            self._told.show(told)
