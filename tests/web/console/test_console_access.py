"""The console behind its token."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

import httpx
import pytest
from playwright.sync_api import Page, expect
from web.console.opened import Opened, opened
from web.served import Served

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A console that asks for its token."""
    with opened(tmp_path_factory.mktemp("guarded")) as found:
        yield found


def test_the_token_leads_to_the_page_that_was_asked_for(page: Page, guarded: Opened) -> None:
    assert guarded.token
    page.goto(f"{guarded.url}/journal?event=a:b")
    page.get_by_label("Token").fill("not it")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("alert")).to_have_text("Wrong token.")
    page.get_by_label("Token").fill(guarded.token)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{guarded.url}/journal?event=a:b")
    expect(page.get_by_label("Event", exact=True)).to_have_value("a:b")
    expect(page.get_by_text("turns · live")).to_be_visible()  # it came by the websocket
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    page.goto(f"{guarded.url}/picos")
    page.wait_for_url("**/login?next=%2Fpicos")


def test_the_link_of_the_start_logs_in_once_and_is_in_no_log(
    page: Page, served: Callable[..., Served]
) -> None:
    site = served()
    link = re.search(r"http://\S+", site.told("log in, once"))
    assert link
    assert httpx.head(link[0]).status_code == 405  # which does not use it up
    page.goto(link[0])
    page.wait_for_url(f"{site.url}/")
    expect(page.locator(".figure", has_text="scheduler")).to_contain_text("running")
    page.get_by_role("button", name="Log out").click()
    page.wait_for_url("**/login")
    page.goto(link[0])
    expect(page.get_by_role("alert")).to_contain_text("used before, or is too old")
    told = site.told("path=/enter")
    assert site.stop() == 0
    assert "key=" not in told
    assert sum(link[0].partition("key=")[2] in each for each in site.errors) == 1


def test_an_empty_console_offers_an_example(page: Page, served: Callable[..., Served]) -> None:
    site = served("--open")
    page.goto(f"{site.url}/schedules")
    expect(page.get_by_text("Nothing is scheduled")).to_be_visible(
        timeout=30_000
    )  # the console is loaded first
    page.get_by_role("button", name="Try an example").click()
    expect(page.get_by_role("link", name="notification:greet_again").first).to_be_visible()
    page.goto(f"{site.url}/journal")
    expect(page.get_by_role("link", name="hello:started")).to_be_visible()
    assert site.stop() == 0


@pytest.mark.parametrize(
    "path", ["/", "/picos", "/_nicegui/any.js", "/_nicegui_ws/socket.io/?EIO=4&transport=polling"]
)
def test_nothing_of_it_is_for_those_without_the_token(guarded: Opened, path: str) -> None:
    assert httpx.get(guarded.url + path).status_code == 401
    asked = httpx.get(guarded.url + path, headers={"accept": "text/html"})
    assert (asked.status_code, asked.headers["location"][:12]) == (303, "/login?next=")


@pytest.mark.parametrize(
    "next", ["https://elsewhere.example", "//elsewhere.example", "/\\elsewhere.example", "x", "/\n/e"]
)
def test_logging_in_leads_to_no_other_server(guarded: Opened, next: str) -> None:
    answer = httpx.post(f"{guarded.url}/login", data={"token": guarded.token or "", "next": next})
    assert (answer.status_code, answer.headers["location"]) == (303, "/")


def test_the_cookie_is_for_this_server_and_no_script(guarded: Opened) -> None:
    answer = httpx.post(f"{guarded.url}/login", data={"token": guarded.token or ""})
    told = answer.headers["set-cookie"].lower()
    assert "httponly" in told
    assert "samesite=strict" in told


def test_another_page_cannot_log_in_or_listen(guarded: Opened) -> None:
    origin = {"origin": "https://elsewhere.example"}
    assert (
        httpx.post(f"{guarded.url}/login", data={"token": guarded.token or ""}, headers=origin).status_code
        == 403
    )
    cookie = {"cookie": f"picosched={guarded.token}"}
    asking = {"connection": "upgrade", "upgrade": "websocket", "sec-websocket-version": "13"}
    asking |= {"sec-websocket-key": "AAAAAAAAAAAAAAAAAAAAAA==", **cookie}
    socket = f"{guarded.url}/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
    assert httpx.get(socket, headers={**asking, **origin}).status_code == 403


def test_pages_load_and_reach_nothing_of_other_servers(console: Opened) -> None:
    policy = console.client.get("/").headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
