"""Two servers, each a process: a rule of one sends an event to a pico of the other."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import httpx
import pytest
from web.served import Served

from picosched.clock import SystemClock

pytestmark = pytest.mark.slow

COURIER = Path(__file__).parent.parent / "rulesets" / "courier.krl"


def install(site: Served) -> None:
    text = COURIER.read_text()
    made = httpx.post(f"{site.url}/api/picos/root/rulesets", json={"text": text})
    assert made.status_code < 300, made.text


def new_eci(site: Served) -> str:
    made = httpx.post(f"{site.url}/api/picos/root/channels", json={"tags": ["door"]})
    eci: str = made.json()["eci"]
    return eci


def eventually(ask: Callable[[], object], wanted: object, seconds: float = 20.0) -> None:
    """Ask until the answer is this; each question is an HTTP request, which takes its time."""
    clock = SystemClock()
    end = clock.now() + timedelta(seconds=seconds)
    while (found := ask()) != wanted:
        assert clock.now() < end, f"found {found}, wanted {wanted}"


def arrived(site: Served) -> list[object]:
    turns = httpx.get(f"{site.url}/api/journal").json()["items"]
    return [each["options"].get("n") for turn in turns for each in turn["directives"]]


def test_an_event_reaches_the_other_server_also_when_that_starts_later(
    served: Callable[..., Served], tmp_path: Path
) -> None:
    here = served("--db", "here.db", "--open", PICOSCHED_HTTP_ALLOW="127.0.0.1")
    there = served("--db", "there.db", "--open")
    install(here)
    install(there)
    door, there_eci = new_eci(here), new_eci(there)

    def send(n: int) -> None:
        attrs = {"eci": there_eci, "host": there.url, "n": n}
        assert httpx.post(f"{here.url}/c/{door}/event/parcel/addressed", json=attrs).status_code == 200

    send(1)
    eventually(lambda: arrived(there), [1])
    assert httpx.get(f"{here.url}/api/deliveries").json() == []

    there.stop()
    send(2)
    eventually(lambda: httpx.get(f"{here.url}/api/deliveries").json()[0]["tries"] > 0, True)
    (delivery,) = httpx.get(f"{here.url}/api/deliveries").json()
    assert delivery["error"].startswith("no answer")

    port = there.url.rpartition(":")[2]
    again = served("--db", "there.db", "--open", "--port", port)
    httpx.post(f"{here.url}/api/deliveries/{delivery['id']}/retry")
    eventually(lambda: sorted(arrived(again)), [1, 2])
    eventually(lambda: httpx.get(f"{here.url}/api/deliveries").json(), [])

    httpx.delete(f"{again.url}/api/picos/root/channels/{there_eci}")
    send(3)
    eventually(lambda: len(httpx.get(f"{here.url}/api/deliveries?dead=true").json()), 1)
    (dead,) = httpx.get(f"{here.url}/api/deliveries?dead=true").json()
    assert dead["attrs"] == {"n": 3} and "refused it: 404" in dead["error"]
    assert httpx.delete(f"{here.url}/api/deliveries/{dead['id']}").status_code == 204
    assert httpx.get(f"{here.url}/api/deliveries?dead=true").json() == []
