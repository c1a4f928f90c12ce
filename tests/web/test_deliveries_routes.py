"""Deliveries by HTTP, as a client and as `Remote` sees them."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from web.running import Running

from picosched import PicoschedError
from picosched.remote import Remote

pytestmark = pytest.mark.slow

COURIER = Path(__file__).parent.parent / "rulesets" / "courier.krl"


def test_a_delivery_is_listed_retried_and_dropped(site: Running, client: httpx.Client) -> None:
    site.engine.root.install(COURIER)
    attrs = {"eci": "abc", "host": "https://shop.example", "n": 1}
    for n in (1, 2):
        site.engine.root.raise_event("parcel", "posted", attrs | {"n": n})
    # The server tries them meanwhile, so their order and their tries may change.
    first, second = site.engine.deliveries()
    assert {each["id"] for each in client.get("/api/deliveries").json()} == {first.id, second.id}
    assert len(client.get("/api/deliveries?pico=root&limit=1").json()) == 1
    assert client.get("/api/deliveries?dead=true").json() == []
    assert client.get("/api/deliveries?pico=nobody").status_code == 404

    site.engine.write(site.engine.store.deliveries.give_up, first.id, site.engine.now(), "404 Not Found")
    (dead,) = client.get("/api/deliveries?dead=true").json()
    assert (dead["id"], dead["due"], dead["error"]) == (first.id, None, "404 Not Found")
    with Remote(site.url) as remote:
        assert remote.deliveries(dead=True) == [remote.delivery(first.id)]
        assert [each.id for each in remote.deliveries()] == [second.id]
        assert remote.retry_delivery(first.id)
        assert len(remote.deliveries()) == 2
        assert remote.drop_delivery(first.id) and not remote.drop_delivery(first.id)
        assert not remote.retry_delivery(first.id)
        with pytest.raises(PicoschedError, match="there is no delivery"):
            remote.delivery(first.id)
    assert client.delete(f"/api/deliveries/{second.id}").status_code == 204
    assert client.get(f"/api/deliveries/{second.id}").status_code == 404
