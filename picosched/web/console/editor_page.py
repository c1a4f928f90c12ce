"""The ruleset editor: checks while you type, formats, installs on picos, compares with the installed text.

`/rulesets/RID` shows a pico's version, optionally at a line; `/edit` starts a new one.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Sequence
from typing import Any

from nicegui import ui

from picosched.check import Finding, check
from picosched.errors import KrlError, PicoschedError
from picosched.krl.grammar import parse
from picosched.krl.printer import formatted
from picosched.krl.source import source_of
from picosched.versions import diff_of
from picosched.web.api.rulesets import LONGEST, checked_ruleset
from picosched.web.console.colours import colours
from picosched.web.console.elsewhere import missing
from picosched.web.console.example import EXAMPLE
from picosched.web.console.frame import Console, connected, frame, notify
from picosched.web.console.marks import offsets, shown, starts_of
from picosched.web.console.opened import Opened, open_ruleset, some_picos
from picosched.web.console.parts import (
    Text,
    badge,
    box,
    button,
    empty,
    named_dialog,
    panel,
    permitted,
    ruleset_path,
    text,
)
from picosched.web.console.plan_panel import PlanPanel
from picosched.web.console.rehearsal_panel import RehearsalPanel
from picosched.web.console.replay_panel import ReplayPanel
from picosched.web.console.versions_panel import VersionsPanel
from picosched.web.console.why_form import WhyForm

HERE = "/rulesets"
MOST_FINDINGS = 100
PAUSE = 0.25
"""Seconds after the last keystroke before the text is checked."""


def add_pages(console: Console) -> None:
    """The pages of the editor."""

    @console.page(f"{HERE}/{{rid}}")
    async def ruleset(rid: str, pico: str = "", line: int = 0) -> None:
        opened = await console.run(lambda: open_ruleset(console.engine, rid, pico))
        if opened is None:
            missing(console, f"No pico has a ruleset {rid[:100]}", "It may have been uninstalled.", HERE)
            return
        with frame(console, rid, HERE):
            await _Editor(console, opened, line, pico).begin()

    @console.page("/edit")
    async def edit(pico: str = "") -> None:
        opened = await console.run(lambda: Opened("", EXAMPLE, others=some_picos(console.engine)))
        with frame(console, "New ruleset", HERE):
            await _Editor(console, opened, 0, pico).begin()


NAMED = """const name = () => {
  const field = getElement(%d)?.$el.querySelector(".cm-content");
  if (!field) return requestAnimationFrame(name);
  field.setAttribute("aria-label", "The text of the ruleset");
  field.closest(".cm-scroller").tabIndex = 0;
};
name();"""
"""Names the field of the editor, once it is there, and lets keys scroll it; CodeMirror does neither."""


class _Editor:
    def __init__(self, console: Console, opened: Opened, line: int, pico_id: str = "") -> None:
        """`pico_id` is the pico that the reader came from, if any."""
        self._came_from = pico_id
        self._console = console
        self._opened = opened
        self._line = line
        self._kept = opened.text
        self._version = 0
        self._findings: Sequence[Finding] = ()

    async def begin(self) -> None:
        opened = self._opened
        with box("head"):
            text("h1", opened.rid or "New ruleset").classes("mono")
            self._state = ui.element("span")
            button("Format", self._format).props["title"] = "Ctrl-Shift-F"
            install = button("Install…", self._ask_where, "primary", needs="installed")
            install.props.setdefault("title", "Ctrl-S")
        self._tell_variants()
        with box("editor"):
            with box("stack"):
                self._code = ui.codemirror(
                    opened.text,
                    indent="  ",
                    on_change=self._edited,
                    keymap={"Mod-s": self._ask_where, "Mod-Shift-f": self._format},
                ).props('aria-label="The text of the ruleset"')
            with panel("Findings", "") as self._side:
                self._nothing = ui.element("div")
                self._list = ui.element("ul").classes("findings")
        ui.on(
            "theme", lambda event: self._code.set_theme("xcodeDark" if event.args == "dark" else "xcodeLight")
        )
        await self._look()
        if not await connected():
            return
        ui.run_javascript(NAMED % self._code.id)
        if self._line > 0:
            self._code.reveal_line(min(self._line, opened.text.count("\n") + 1))
        await self._show_panels()

    async def _show_panels(self) -> None:
        """What stands below the text: it comes once the page is connected, so that the text comes sooner."""
        opened = self._opened
        rules = {f"{opened.rid}.{name}": line for name, line in _rules(opened.text)} if opened.rid else {}
        if rules:
            with panel("Why", "a rule fired or did not"):
                here = [name for name, line in rules.items() if line <= self._line]
                chosen = ui.select([*rules], label="Rule", value=here[-1] if here else next(iter(rules)))
                chosen.classes("filter")
                WhyForm(self._console, lambda: str(chosen.value))
        having = {id: name for id, (name, _) in opened.picos.items()}
        picos = having | opened.others
        RehearsalPanel(self._console, picos, next(iter(self._first_choice(picos)), None), self._texts)
        PlanPanel(self._console, lambda: self._text)
        ReplayPanel(self._console, lambda: self._text)
        if opened.pico_id is not None:
            await self._show_versions(opened.rid, opened.pico_id)

    async def _show_versions(self, rid: str, pico_id: str) -> None:
        async def again() -> None:
            ui.navigate.to(ruleset_path(rid, pico_id))

        versions = VersionsPanel(self._console, rid, pico_id, again)
        with self._console.telling_errors():
            await versions.refresh()

    def _tell_variants(self) -> None:
        """If picos have different texts: say whose is shown, and link to the others."""
        whose: dict[str, list[tuple[str, str]]] = {}
        for id, (name, hash) in self._opened.picos.items():
            whose.setdefault(hash, []).append((id, name))
        if len(whose) < 2:
            return
        with box("line small muted"):
            text("span", "Picos have different versions.")
            for hash, ((id, name), *more) in whose.items():
                words = f"{name} and {len(more)} more" if more else name
                if hash == self._opened.hash:
                    text("span", f"This is the version of {words}.")
                else:
                    ui.link(f"version of {words}", ruleset_path(self._opened.rid, id))

    @property
    def _text(self) -> str:
        return self._code.value or ""

    # Checking

    async def _edited(self) -> None:
        self._version += 1
        mine = self._version
        await asyncio.sleep(PAUSE)
        if mine == self._version:
            await self._look()

    async def _look(self) -> None:
        """Check the text and show the findings, unless it was changed meanwhile."""
        given, mine, name = self._text, self._version, self._opened.rid or "new"
        if len(given) > LONGEST:
            notify(f"The text has more than {LONGEST:,} characters", "bad")
            return
        with self._console.telling_errors():
            engine = self._console.engine
            now = engine.now()

            def looked_at() -> tuple[list[Finding], list[dict[str, Any]]]:
                settings = engine.settings_with_windows()
                return check(given, name, settings.almanac, now, settings=settings), colours(given)

            findings, coloured = await self._console.run(looked_at)
            if mine != self._version or self._code.is_deleted:
                return
            self._findings = findings
            self._show(given, coloured)

    def _show(self, given: str, coloured: Sequence[dict[str, Any]]) -> None:
        marks = shown(given, self._findings[:MOST_FINDINGS])
        here = (
            [{"kind": "line", "line": self._line, "class": "krl-line-here"}] if self._at_line(given) else []
        )
        self._code.decorations = [*here, *coloured, *marks.decorations]
        self._code.line_tooltips = marks.tooltips
        errors = sum(each.severity == "error" for each in self._findings)
        warnings = len(self._findings) - errors
        if self._side is not None:
            self._side.show(f"{_number(errors, 'error')}, {_number(warnings, 'warning')}")
        self._list.clear()
        self._list.set_visibility(bool(self._findings))
        self._nothing.clear()
        with self._nothing:
            if not self._findings:
                empty("No findings", "The ruleset has no errors or warnings.")
        with self._list:
            for each in self._findings[:MOST_FINDINGS]:
                self._list_finding(each, given)
        self._show_state()

    def _at_line(self, given: str) -> bool:
        return given == self._opened.text and 0 < self._line <= given.count("\n") + 1

    def _list_finding(self, finding: Finding, given: str) -> None:
        _, *excerpt = finding.error.render(given).split("\n")
        with ui.element("li"), ui.element("button").classes(f"finding {finding.severity}") as line:
            line.props("type=button")
            line.on("click", lambda: self._go_to(finding, given))
            with box("place"):
                text("span", f"{finding.span.line}:{finding.span.column}")
                text("span", f"{finding.severity} {finding.code}")
            text("span", finding.message)
            if excerpt:
                text("pre", _near("\n".join(excerpt))).props("aria-hidden=true")

    def _go_to(self, finding: Finding, given: str) -> None:
        """Move the cursor to the finding."""
        start, _ = offsets(finding.span, starts_of(given), len(given))
        unit = len(given[:start].encode("utf-16-le")) // 2
        self._code.reveal_line(given.count("\n", 0, start) + 1)
        ui.run_javascript(
            f"const e = getElement({self._code.id}).editor;"
            f"e.dispatch({{selection: {{anchor: Math.min({unit}, e.state.doc.length)}}}}); e.focus();"
        )

    def _show_state(self) -> None:
        changed = self._text != self._kept
        self._state.clear()
        with self._state:
            if self._opened.hash is None:
                badge("not installed", "quiet")
            elif changed:
                badge("changed", "warn", "Differs from the installed text.")
            else:
                badge("as installed", "good")
        ui.run_javascript(f"window.onbeforeunload = {json.dumps(changed)} ? (e) => e.preventDefault() : null")

    # Changing

    async def _format(self) -> None:
        given = self._text
        try:
            laid = await self._console.run(lambda: formatted(given, self._opened.rid or "new"))
        except KrlError as error:
            notify(f"Fix syntax errors before formatting: {error.message}", "bad")
            return
        if given != self._text:
            return  # the text changed meanwhile
        if laid == given:
            notify("Already formatted")
            return
        self._code.value = laid
        await self._edited()

    def _ask_where(self) -> None:
        if not permitted("installed"):  # Ctrl-S comes here, too
            return
        opened = self._opened
        options = {id: name for id, (name, _) in opened.picos.items()} | opened.others
        errors = sum(each.severity == "error" for each in self._findings)
        with named_dialog("Install on") as dialog, ui.card():
            text("h2", "Install on")
            where = ui.select(options, label="Picos", multiple=True, value=self._first_choice(options))
            where.props("use-chips")
            text("p", "An installed version's variables and schedules are kept.", "muted small")
            if opened.hash is not None:
                with self._console.telling_errors():
                    names = f"{opened.rid} {opened.hash[:8]}", f"{opened.rid}, new"
                    text("pre", diff_of(opened.text, self._text, names) or "nothing differs", "mono diff")
            fault = Text("p", "").classes("bad-text mono")
            if errors:
                fault.show(f"It has {_number(errors, 'error')} and cannot be installed.")

            async def install() -> None:
                chosen, given = [*(where.value or [])], self._text
                try:
                    rid = await self._console.run(lambda: self._install(chosen, given))
                except PicoschedError as error:
                    fault.show(str(error))
                    return
                dialog.close()
                self._kept = given
                names = ", ".join(options.get(id, id) for id in chosen)
                notify(f"{rid} is installed on {names}")
                await self._installed(rid)

            with ui.element("div").classes("dialog-buttons"):
                button("Close", dialog.close)
                button("Install", install, "primary").props["disabled"] = errors > 0
        dialog.open()

    def _first_choice(self, options: dict[str, str]) -> list[str]:
        """The pico that the reader came from, else those with exactly this text, else the first."""
        if self._came_from in options:
            return [self._came_from]
        same = [id for id, (_, hash) in self._opened.picos.items() if hash == self._opened.hash]
        return same or [*options][:1]

    def _install(self, picos: Sequence[str], given: str) -> str:
        if not picos:
            raise PicoschedError("found no pico, wanted at least one")
        source = checked_ruleset(given)
        return [self._console.engine.pico(id).install(source).rid for id in picos][-1]

    async def _installed(self, rid: str) -> None:
        found = await self._console.run(lambda: open_ruleset(self._console.engine, rid))
        if rid != self._opened.rid:
            # In one script, because the browser need not run two in order.
            to = json.dumps(ruleset_path(rid))
            ui.run_javascript(f"window.onbeforeunload = null; location.href = {to}")
        elif found is not None:
            self._opened = found
            self._show_state()

    def _texts(self, pico: str) -> tuple[str | None, str]:
        """The pico's current text and the edited one; called in a thread."""
        engine, rid = self._console.engine, self._opened.rid
        row = engine.pico(pico).rulesets().get(rid)
        kept = None if row is None else engine.read(lambda: engine.store.picos.find_ruleset(row.hash))
        return None if kept is None else kept.text, self._text


def _rules(given: str) -> list[tuple[str, int]]:
    """The rules of a text, each with its line; none if it has errors."""
    try:
        source = source_of(given)
        return [(rule.name, source.place(rule.start)[0]) for rule in parse(source).rules]
    except KrlError:
        return []


def _near(excerpt: str) -> str:
    """A line and its caret, starting a little before the caret."""
    lines = excerpt.split("\n")
    caret = lines[-1].find("^")
    start = max(2, caret - 24)
    return "\n".join(line[start : start + 60] for line in lines)


def _number(count: int, word: str) -> str:
    return f"{count} {word}{'' if count == 1 else 's'}"
