"""The event console: raise an event or run a query in any pico, and see the turn."""

from __future__ import annotations

from nicegui import ui

from picosched.web.console.asking_form import AskingForm
from picosched.web.console.frame import Console, frame
from picosched.web.console.offers import all_picos
from picosched.web.console.parts import box, panel, text


def add_pages(console: Console) -> None:
    @console.page("/events")
    async def events(pico: str | None = None) -> None:
        with frame(console, "Events", "/events"), console.telling_errors():
            with box("head"):
                text("h1", "Events")
            rows = await console.run(lambda: all_picos(console.engine))
            names = {each.id: f"{each.name or '(no name)'} · {each.id[:8]}" for each in rows}
            with box("stack"):
                with panel("Raise and ask"):
                    chosen = ui.select(names, label="Pico", with_input=True, value=_first(names, pico))
                    form = AskingForm(console)
                chosen.on_value_change(lambda event: form.use(event.value) if event.value else None)
                with panel("Raised in this tab") as _, box("stack") as history:
                    pass
            if chosen.value:
                await form.use(chosen.value)
            await form.keep_history(lambda: history)


def _first(names: dict[str, str], wanted: str | None) -> str | None:
    return wanted if wanted in names else next(iter(names), None)
