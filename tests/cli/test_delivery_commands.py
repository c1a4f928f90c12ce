"""`deliveries retry-delivery drop-delivery`."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

COURIER = Path(__file__).parent.parent / "rulesets" / "courier.krl"


@pytest.fixture(autouse=True)
def sent(run: Any, folder: Path) -> None:
    """Two events are on their way to a host that refuses connections."""
    shutil.copy(COURIER, folder / "courier.krl")
    env = folder / "picosched.toml"
    env.write_text('[engine]\nhttp_allow = ["127.0.0.1"]\n')
    assert run("install", "courier.krl").status == 0
    for n in ("1", "2"):
        assert run("raise", "parcel:posted", "eci=abc", "host=http://127.0.0.1:9", f"n={n}").status == 0


@pytest.mark.slow
def test_deliveries_are_listed_retried_and_dropped(run: Any) -> None:
    first, second = run("deliveries", "--json").lines
    assert (first["attrs"], first["tries"], first["rid"]) == ({"eci": "abc", "n": 1}, 0, "courier")
    table = run("deliveries").out
    assert "http://127.0.0.1:9/c/abc/event/parcel/arrived" in table and "courier.send" in table
    assert run("deliveries", "--dead").out == "there are no dead letters\n"

    run("run", "--once")
    tried = run("deliveries", "--json").lines
    assert [each["tries"] for each in tried] == [1, 1] and "no answer" in tried[0]["error"]
    retried = run("retry-delivery", first["id"][:12]).out
    assert retried == f"due now: {first['url']} ({first['id'][:8]})\n"
    run("run", "--once")
    assert {each["id"]: each["tries"] for each in run("deliveries", "--json").lines}[first["id"]] == 2

    dropped = run("drop-delivery", second["id"], "--json").json
    assert dropped == {"id": second["id"], "url": second["url"], "outcome": "dropped"}
    run("drop-delivery", first["id"])
    assert run("deliveries").out == "there are no pending deliveries\n"
    lost = run("drop-delivery", first["id"])
    assert (lost.status, "no delivery has the id" in lost.err) == (1, True)


def test_a_delivery_is_shown_by_the_turn_that_made_it(run: Any) -> None:
    words = ("raise", "parcel:posted", "eci=abc", "host=http://127.0.0.1:9", "n=3")
    url = "http://127.0.0.1:9/c/abc/event/parcel/arrived"
    said = run(*words).out
    told = run(*words, "--json").json
    third, fourth = run("deliveries", "--json").lines[2:]
    assert f"sent to {url} (delivery {third['id'][:8]})" in said
    assert told["deliveries"] == [fourth["id"]]
    (sent,) = run("journal", "-n", "1", "--json").json["log"]
    assert sent == {
        "level": "sent",
        "rid": "courier",
        "rule": "send",
        "value": f"{url} (delivery {fourth['id']})",
    }
    assert "sent: " in run("journal", "-n", "1").out
