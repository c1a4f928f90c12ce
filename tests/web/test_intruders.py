"""Attacks on tokens, logins and sessions, over a socket."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from racing import race, until
from web.running import Running, running
from web.served import Served

from picosched.web.access import COOKIE

WRONG = "x" * 43


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that asks for a token."""
    with running(tmp_path_factory.mktemp("intruders"), token=True) as found:
        yield found


@pytest.mark.parametrize(
    ("method", "path", "options"),
    [
        ("POST", "/api/session", {"json": {"token": WRONG}}),
        ("POST", "/login", {"data": {"token": WRONG}}),
        ("GET", "/enter", {"params": {"key": WRONG}}),
    ],
)
def test_failed_logins_are_limited_and_then_not_looked_at(
    served: Callable[..., Served], method: str, path: str, options: dict[str, Any]
) -> None:
    """As other refusals are, here one in 10 seconds, and 100 at once, from one address."""
    site = served("--refusals", "0.1")
    token = site.told("shown only now").split()[-1]
    with httpx.Client(base_url=site.url, timeout=30) as client:
        statuses = [client.request(method, path, **options).status_code for _ in range(105)]
        assert statuses[:100] == [401] * 100 and statuses[-1] == 429
        right = client.post("/api/session", json={"token": token})
        assert right.status_code == 429 and int(right.headers["retry-after"]) > 0
        # Who has a token already works on.
        assert client.get("/api/version", headers={"authorization": f"Bearer {token}"}).status_code == 200


def test_of_two_uses_of_a_link_at_once_one_logs_in_and_logging_out_ends_it(
    served: Callable[..., Served],
) -> None:
    site = served()
    link = site.told("log in, once").split()[-1]
    httpx.get(f"{site.url}/login", timeout=30)  # the console is loaded
    answers = race(*[lambda: httpx.get(link, timeout=30) for _ in range(8)])
    assert sorted(each.status_code for each in answers) == [303] + [401] * 7
    (entered,) = [each for each in answers if COOKIE in each.cookies]
    assert (entered.status_code, entered.headers["location"]) == (303, "/")
    assert entered.headers["referrer-policy"] == "same-origin"
    assert entered.headers["cache-control"] == "no-store"
    told = entered.headers["set-cookie"]
    assert link.partition("key=")[2] not in told
    assert "httponly" in told.lower() and "samesite=strict" in told.lower()
    cookies = {COOKIE: entered.cookies[COOKIE]}
    with httpx.Client(base_url=site.url, cookies=cookies, timeout=30) as client:
        assert client.get("/api/picos").status_code == 200
        assert client.post("/logout", headers={"origin": site.url}).status_code == 303
    with httpx.Client(base_url=site.url, cookies=cookies, timeout=30) as stolen:
        assert stolen.get("/api/picos").status_code == 401


def test_a_named_token_logs_in_and_its_cookie_ends_with_it(closed: Running) -> None:
    token, _ = closed.engine.make_token("cookie", "read")
    with httpx.Client(base_url=closed.url) as client:
        assert client.post("/api/session", json={"token": token}).status_code == 204
        assert client.get("/api/picos").status_code == 200
        closed.engine.revoke_token("cookie")
        assert client.get("/api/picos").status_code == 401
        assert client.post("/api/session", json={"token": token}).status_code == 401


EMBEDDED = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "no-cors", "sec-fetch-dest": "image"}


@pytest.mark.parametrize("path", ["/api/backup", "/api/picos", "/api/flush?url=x", "/"])
@pytest.mark.parametrize("where", ["cross-site", "same-site"])
def test_a_page_of_others_cannot_have_us_work_as_its_picture(
    closed: Running, site: Running, path: str, where: str
) -> None:
    """Neither where no token is required nor with the cookie, which a page of another port has sent along."""
    headers = {**EMBEDDED, "sec-fetch-site": where}
    assert httpx.get(site.url + path, headers=headers).status_code == 403
    cookies = {COOKIE: closed.token or ""}
    assert httpx.get(closed.url + path, headers=headers, cookies=cookies).status_code == 403
    assert site.engine.audit(kind="database") == closed.engine.audit(kind="database") == []


def test_a_page_of_others_may_link_to_us(site: Running) -> None:
    headers = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    assert httpx.get(site.url, headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/api/tokens", "/api/scheduler", "/logout", "/api/session"])
@pytest.mark.parametrize("origin", ["null", "https://elsewhere.example", "http://127.0.0.1:1"])
def test_a_page_of_others_writes_nothing_with_our_cookie(closed: Running, path: str, origin: str) -> None:
    body = {"name": "forged", "role": "author"}
    answer = httpx.post(
        closed.url + path, json=body, headers={"origin": origin}, cookies={COOKIE: closed.token or ""}
    )
    assert answer.status_code == 403
    assert [each for each in closed.engine.tokens() if each.name == "forged"] == []


def test_what_is_under_way_when_a_token_is_revoked_is_not_told(closed: Running) -> None:
    token, _ = closed.engine.make_token("slow", "read")
    held, go = threading.Event(), threading.Event()

    def hold() -> None:
        held.set()
        go.wait(20)

    holder = threading.Thread(target=closed.engine.read, args=(hold,))
    headers, answers = {"authorization": f"Bearer {token}"}, list[httpx.Response]()
    asker = threading.Thread(
        target=lambda: answers.append(
            # With a body, so that one sees that it was let in.
            httpx.request("GET", f"{closed.url}/api/picos", headers=headers, content=b"{}", timeout=30)
        )
    )
    holder.start()
    assert held.wait(20)
    asker.start()
    before = closed.engine.store.tokens.at_hand
    until(lambda: closed.server._served.bodies.size > 0)
    closed.engine.store.tokens.at_hand = {}  # as of a token that another machine revoked
    go.set()
    asker.join()
    holder.join()
    closed.engine.store.tokens.at_hand = before
    assert answers[0].status_code == 401


def test_no_token_and_no_key_is_in_a_log(served: Callable[..., Served], tmp_path: Path) -> None:
    site = served("echo.krl")
    token = site.told("shown only now").split()[-1]
    link = site.told("log in, once").split()[-1]
    key = link.partition("key=")[2]
    owner = {"authorization": f"Bearer {token}"}
    made = httpx.post(
        f"{site.url}/api/tokens", json={"name": "cal", "role": "read"}, headers=owner, timeout=30
    )
    calendar = made.json()["token"]
    assert httpx.get(f"{site.url}/api/calendar.ics", params={"token": calendar}).status_code == 200
    assert httpx.get(f"{site.url}/api/calendar.ics", params={"token": WRONG}).status_code == 401
    assert httpx.get(f"{site.url}/api/picos", params={"token": calendar}).status_code == 401
    assert httpx.get(link, timeout=30).status_code == 303
    assert httpx.get(link).status_code == 401
    assert httpx.post(f"{site.url}/api/session", json={"token": calendar}).status_code == 204
    page = {"accept": "text/html"}
    assert httpx.get(f"{site.url}/picos", params={"token": calendar}, headers=page).status_code == 303
    assert site.stop() == 0
    log = [line for line in site.errors if "shown only now" not in line and "log in, once" not in line]
    assert any("/api/calendar.ics" in line for line in log) and any("/enter" in line for line in log)
    for secret in (token, key, calendar, WRONG):
        assert not any(secret in line for line in log)
    for file in tmp_path.glob("picosched.db*"):
        assert calendar.encode() not in file.read_bytes() and token.encode() not in file.read_bytes()
