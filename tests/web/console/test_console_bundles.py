"""What the console's editor loads, and what CodeMirror does in it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Browser, Page, Request, expect
from web.console.opened import Opened
from web.console.pasted import paste
from web.console.watched import watched

MOST = {"/": 200_000, "/edit": 300_000}
"""Bytes of a first visit, as docs/console.md promises."""


@pytest.mark.parametrize("path", MOST)
def test_a_first_visit_is_light_and_asks_this_server_only(
    browser: Browser, console: Opened, path: str
) -> None:
    context = browser.new_context()
    with watched(context) as page:
        asked: list[Request] = []
        page.on("request", lambda each: asked.append(each))
        page.goto(f"{console.url}{path}")
        expect(page.locator("nav.nav")).to_be_attached(timeout=30_000)
        page.wait_for_load_state("networkidle")
        assert [each.url for each in asked if not each.url.startswith((console.url, "data:"))] == []
        answers = [each.response() for each in asked if not each.url.startswith("data:")]
        sizes = [int(each.headers["content-length"]) for each in answers if each is not None]
        assert MOST[path] / 2 < sum(sizes) < MOST[path]
        assert any(each.url.endswith("/quasar.js") for each in asked)
    context.close()


def test_the_editor_searches_undoes_indents_and_closes_brackets(page: Page, console: Opened) -> None:
    page.goto(f"{console.url}/edit")
    text = page.locator(".cm-content")
    expect(page.locator(".cm-content[aria-label]")).to_be_visible(timeout=30_000)
    paste(page, "ruleset mine {\nrule one { select when tea started }\n}")
    expect(page.locator(".cm-lineNumbers")).to_contain_text(re.compile("1.*2.*3", re.S))
    page.keyboard.press("Control+Home")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Tab")
    expect(text.locator(".cm-line").nth(1)).to_have_text(re.compile("^  rule one"))
    page.keyboard.press("Control+z")
    expect(text.locator(".cm-line").nth(1)).to_have_text(re.compile("^rule one"))
    page.keyboard.press("Control+y")
    expect(text.locator(".cm-line").nth(1)).to_have_text(re.compile("^  rule one"))
    page.keyboard.press("Control+f")
    page.keyboard.type("started")
    expect(page.locator(".cm-searchMatch")).to_have_text("started")
    page.keyboard.press("Escape")
    page.keyboard.press("Control+End")
    expect(page.locator(".cm-matchingBracket")).to_have_text(["{", "}"])
    page.keyboard.press("Enter")
    page.keyboard.type('"(')
    expect(text.locator(".cm-line").last).to_have_text(re.compile(r'^"\("?\)?"?'))
