"""The page of machines, of a file and of a PostgreSQL database that two servers share."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from postgres_server import Server
from racing import until
from web.console.opened import Opened, opened
from web.served import Served

from picosched.store.machines import Machine


@pytest.mark.files
def test_a_file_belongs_to_one_process(page: Page, console: Opened) -> None:
    page.goto(f"{console.url}/machines")
    expect(page.get_by_text("One process has the database")).to_be_visible()
    expect(page.get_by_text("which belongs to this server alone")).to_be_visible()
    expect(page.locator(".empty pre")).to_have_count(0)
    expect(page.get_by_role("navigation", name="Pages").get_by_role("link", name="Machines")).to_have_count(0)


def test_two_servers_of_one_database_are_listed(page: Page, postgres: Server, tmp_path: Path) -> None:
    address = postgres.emptied_database()
    with opened(tmp_path, "--open", "--db", address) as one:
        other = Served(tmp_path, "--db", address, command="worker")
        try:
            until(lambda: len(one.client.get("/api/machines").json()) == 2, lambda: other.errors)
            for width in (1440, 390):
                page.set_viewport_size({"width": width, "height": 800})
                page.goto(f"{one.url}/machines")
                rows = page.get_by_role("table", name="Machines").locator("tbody tr")
                expect(rows).to_have_count(2)
                expect(page.get_by_text("2, with 256 of 256 shards")).to_be_visible()
                expect(rows.filter(has_text="up").filter(has_text="128")).to_have_count(2)
                expect(rows.filter(has_text=one.url)).to_have_count(1)
                assert page.evaluate("document.documentElement.scrollWidth") <= width
            expect(page.locator(".nav a[aria-current=page]")).to_have_text("Machines")
        finally:
            other.stop(signal.SIGTERM)
            for stream in (other.process.stdout, other.process.stderr):
                assert stream is not None
                stream.close()
        expect(rows).to_have_count(1)  # by itself


def test_the_state_of_a_machine() -> None:
    up = Machine("a", "1 on a", "a", None, 0, 500, 0, 0, False, True, (1,))
    leaving = up._replace(leaving=True)
    states = [up, up._replace(shards=()), leaving, leaving._replace(silent=3_001), up._replace(alive=False)]
    assert [each.state for each in states] == ["up", "idle", "leaving", "silent", "gone"]
