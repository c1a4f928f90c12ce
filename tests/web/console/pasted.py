"""What tests of schedules and rulesets share: the API of a console's server, and pasting into its editor."""

from __future__ import annotations

from typing import Any

from playwright.sync_api import Page
from web.console.opened import Opened


def post(place: Opened, path: str, **body: Any) -> Any:
    """What the API answers to this."""
    answer = place.client.post(f"/api{path}", json=body)
    assert answer.is_success, answer.text
    return answer.json()


def get(place: Opened, path: str, **asked: Any) -> Any:
    answer = place.client.get(f"/api{path}", params=asked)
    assert answer.is_success, answer.text
    return answer.json()


def paste(page: Page, source: str) -> None:
    """Put a text in the place of that of the editor."""
    page.locator(".cm-content").click()
    page.keyboard.press("Control+a")
    page.keyboard.insert_text(source)
