"""The dialogs of a pico: create a child, create a channel, install a ruleset. Each says if it was done."""

from __future__ import annotations

from nicegui import ui

from picosched.engine.pico import PicoRef
from picosched.errors import PicoschedError
from picosched.notation import parse_map
from picosched.web.api.rulesets import LONGEST, checked_ruleset
from picosched.web.console.asked import Asked
from picosched.web.console.frame import Console
from picosched.web.console.parts import text


async def ask_child(console: Console, pico: PicoRef) -> bool:
    """Create a child of a pico."""
    with Asked(console, f"A child of {pico.name}", "Create") as asked:
        name = ui.input("Name").props("autofocus")

    def work() -> None:
        if not name.value.strip():
            raise PicoschedError("found no name, wanted one")
        console.engine.new_pico(name.value.strip(), pico)

    return await asked.done(work)


async def ask_channel(console: Console, pico: PicoRef) -> bool:
    """Create a channel of a pico."""
    with Asked(console, f"A channel of {pico.name}", "Create") as asked:
        tags = ui.input("Tags").props("autofocus")
        text(
            "p",
            "Patterns are domain:type and rid:function, * for any, separated by spaces. Denial wins.",
            "muted small",
        )
        fields = [
            ui.input(label, value=value).classes("mono")
            for label, value in (
                ("Allow events", "*:*"),
                ("Allow queries", "*:*"),
                ("Deny events", ""),
                ("Deny queries", ""),
            )
        ]

    def work() -> None:
        pico.new_channel(tags.value.replace(",", " ").split(), *(each.value.split() for each in fields))

    return await asked.done(work)


async def ask_ruleset(console: Console, pico: PicoRef) -> bool:
    """Install a ruleset on a pico, from a text or a URL, or replace the installed one."""
    with Asked(console, f"A ruleset on {pico.name}", "Install", wide=True) as asked:
        url = ui.input("URL, http or https").classes("mono").props("autofocus")
        text("p", "or", "muted small")
        krl = ui.textarea("Text").classes("mono").props("spellcheck=false input-style='min-height: 260px'")
        config = ui.textarea("Configuration, as JSON; empty keeps the current one").classes("mono")
        config.props("autogrow spellcheck=false")

    def work() -> None:
        values = parse_map(config.value, "configuration") if config.value.strip() else None
        pico.install(_source(url.value.strip(), krl.value), values)

    return await asked.done(work)


def _source(url: str, krl: str) -> str:
    """The ruleset to install. Remote users may not name files on the server."""
    if bool(url) == bool(krl.strip()):
        raise PicoschedError("wanted either a URL or a text")
    if not url:
        if len(krl) > LONGEST:
            raise PicoschedError(f"found {len(krl):,} characters, wanted at most {LONGEST:,}", "too_large")
        return checked_ruleset(krl)
    if not url.lower().startswith(("http://", "https://")):
        raise PicoschedError(f'found the url "{url}", wanted http: or https:', "refused")
    return url
