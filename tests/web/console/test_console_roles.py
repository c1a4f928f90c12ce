"""The console for each role, in a browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from web.console.opened import Opened, opened

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Opened]:
    """A console that asks for its token."""
    with opened(tmp_path_factory.mktemp("roles")) as found:
        yield found


def enter(page: Page, guarded: Opened, token: str, path: str = "/") -> None:
    """Log in with a token."""
    page.goto(f"{guarded.url}/login?next={path}")
    page.get_by_label("Token").fill(token)
    page.get_by_role("button", name="Log in").click()
    page.wait_for_url(f"{guarded.url}{path}")


def made(guarded: Opened, name: str, role: str) -> str:
    answer = guarded.client.post("/api/tokens", json={"name": name, "role": role})
    assert answer.status_code == 201, answer.text
    return str(answer.json()["token"])


def test_an_author_makes_a_token_and_revokes_it(page: Page, guarded: Opened) -> None:
    assert guarded.token
    enter(page, guarded, guarded.token, "/tokens")
    page.get_by_label("name").fill("anna")
    page.get_by_label("Expires").fill("30d")
    page.get_by_role("button", name="Create").click()
    expect(page.get_by_text("The token of anna, shown only now:")).to_be_visible()
    token = page.locator("pre.mono").inner_text()
    guest = {"authorization": f"Bearer {token}"}
    assert guarded.client.get("/api/picos", headers=guest).status_code == 200
    row = page.get_by_role("row", name="anna")
    expect(row).to_contain_text("read")
    page.reload()
    expect(page.get_by_role("row", name="anna")).to_be_visible()
    expect(page.get_by_text(token)).to_have_count(0)
    row.get_by_role("button", name="Revoke…").click()
    page.get_by_role("button", name="Revoke", exact=True).click()
    expect(row).to_have_count(0)
    assert guarded.client.get("/api/picos", headers=guest).status_code == 401


def test_the_fields_of_a_token_fit_what_they_take(page: Page, guarded: Opened) -> None:
    assert guarded.token
    enter(page, guarded, guarded.token, "/tokens")
    fields = page.locator(".filter-bar .q-field")
    widths = "all => all.map(each => Math.round(each.getBoundingClientRect().width))"
    labels = "all => all.map(each => getComputedStyle(each).transform)"
    for width in (390, 1440):
        page.set_viewport_size({"width": width, "height": 900})
        expect(fields).to_have_count(3)
        name, role, expires = fields.evaluate_all(widths)
        assert name == expires and (role == name if width == 390 else 500 <= role <= 600)
        assert len({*page.locator(".filter-bar .q-field__label").evaluate_all(labels)}) == 1


def test_a_reader_looks_and_can_change_nothing(page: Page, guarded: Opened) -> None:
    pico = guarded.pico("looked at")
    guarded.raise_event(pico, "clocks:begin")
    rows = guarded.client.get("/api/scheduled", params={"pico": pico, "name": ""}).json()
    assert rows is not None
    enter(page, guarded, made(guarded, "reader", "read"), f"/picos/{pico}")
    for name in ("Install…", "Delete…"):
        button = page.get_by_role("button", name=name)
        expect(button).to_be_disabled()
        expect(button).to_have_attribute(
            "title", 'The token "reader" has the role read: this needs the role author'
        )
    expect(page.get_by_role("button", name="Uninstall")).to_be_disabled()
    expect(page.get_by_role("link", name="Tokens")).to_have_count(0)
    page.goto(f"{guarded.url}/tokens")
    expect(page.get_by_text("Tokens are for authors")).to_be_visible()
    page.goto(f"{guarded.url}/events?pico={pico}")
    expect(page.get_by_role("button", name="Raise", exact=True)).to_be_disabled()


def test_buttons_of_lists_are_off_for_a_reader_and_say_why(page: Page, guarded: Opened) -> None:
    guarded.client.post("/api/windows", json={"name": "day", "from": "0 8 * * *", "to": "0 18 * * *"})
    enter(page, guarded, made(guarded, "looker", "read"), "/windows")
    for name in ("Change…", "Remove…"):
        button = page.get_by_role("row", name="day").get_by_role("button", name=name)
        expect(button).to_be_disabled()
        expect(button).to_have_attribute(
            "title", 'The token "looker" has the role read: this needs the role author'
        )


def test_a_page_tells_the_beginning_of_an_eci_and_the_whole_to_authors(guarded: Opened) -> None:
    pico = guarded.pico("keyed")
    door = guarded.client.post(f"/api/picos/{pico}/channels", json={"tags": ["door"]})
    eci = door.raise_for_status().json()["eci"]
    guarded.client.post(f"/c/{eci}/event-wait/tell/me").raise_for_status()
    yearly = [{"name": "new year", "expr": "0 0 1 1 *"}]
    far = {"type": "crononome", "name": "far", "to": {"eci": eci}, "entries": yearly}
    guarded.client.post("/api/sources", json=far).raise_for_status()
    seq = guarded.client.get("/api/journal", params={"pico": pico}).json()["items"][0]["seq"]
    for role in ("read", "operate", "author"):
        key = {"authorization": f"Bearer {made(guarded, f'keyed-{role}', role)}"}
        for path in ("/journal", f"/journal/{seq}", f"/picos/{pico}", "/sources", "/sources/far"):
            told = guarded.client.get(path, headers=key).raise_for_status().text
            assert eci[:8] in told, path
            assert (eci in told) == (role == "author"), (role, path)


def test_the_server_refuses_a_button_that_somebody_turned_on(page: Page, guarded: Opened) -> None:
    """The socket is the reader's, whatever the page sends."""
    pico = guarded.pico("attacked")
    enter(page, guarded, made(guarded, "attacker", "read"), f"/picos/{pico}")
    button = page.get_by_role("button", name="Delete…")
    expect(button).to_be_disabled()
    button.evaluate("each => each.disabled = false")
    button.click()
    expect(page.get_by_text('The token "attacker" has the role read: this needs the role')).to_be_visible()
    expect(page.get_by_role("button", name="Delete", exact=True)).to_have_count(0)
    assert guarded.client.get(f"/api/picos/{pico}").status_code == 200


def test_the_navigation_hides_none_of_its_entries(page: Page, guarded: Opened) -> None:
    assert guarded.token
    enter(page, guarded, guarded.token, "/tokens")
    for width in range(1250, 1651, 100):
        page.set_viewport_size({"width": width, "height": 800})
        for place in page.locator(".nav a").all():
            expect(place).to_be_in_viewport(ratio=1)
    expect(page.locator(".nav a[aria-current=page]")).to_have_text("Tokens")


def test_an_operator_pauses_and_is_named(page: Page, guarded: Opened) -> None:
    pico = guarded.pico("operated")
    guarded.raise_event(pico, "clocks:begin")
    items = guarded.client.get("/api/scheduled", params={"pico": pico, "type": "never"}).json()["items"]
    id = items[0]["id"]
    enter(page, guarded, made(guarded, "bo", "operate"), f"/schedules/{id}")
    page.get_by_role("button", name="Pause…").click()
    page.get_by_role("button", name="Pause", exact=True).click()
    expect(page.get_by_text('the console as "bo"')).to_be_visible()
    expect(page.get_by_role("link", name="Tokens")).to_have_count(0)


def test_a_page_ends_when_its_token_is_revoked(page: Page, guarded: Opened) -> None:
    enter(page, guarded, made(guarded, "leaver", "read"), "/journal")
    expect(page.get_by_text("turns · live")).to_be_visible()
    with page.expect_websocket() as opening:
        page.reload()
    with opening.value.expect_event("close"):
        assert guarded.client.delete("/api/tokens/leaver").status_code == 204
    page.wait_for_url("**/login?next=%2Fjournal")


def test_the_audit_is_a_page_with_filters(page: Page, guarded: Opened) -> None:
    pico = guarded.pico("audited here")
    enter(page, guarded, made(guarded, "cy", "author"), f"/picos/{pico}")
    page.get_by_role("button", name="Uninstall").click()
    page.get_by_role("dialog").get_by_role("button", name="Uninstall").click()
    expect(page.get_by_text("clocks was uninstalled.")).to_be_visible()
    page.goto(f"{guarded.url}/audit?name=cy")
    row = page.get_by_role("row", name="uninstalled")
    expect(row).to_contain_text('the console as "cy"')
    expect(row).to_contain_text("ruleset clocks")
    expect(page.get_by_role("row", name="made")).to_have_count(0)
    page.get_by_label("Who").fill("nobody")
    expect(page.get_by_text("Nothing matches this filter")).to_be_visible()
    page.wait_for_url(f"{guarded.url}/audit?name=nobody")
    page.get_by_label("Since").fill("noon")
    expect(page.get_by_role("alert").filter(has_text="wanted an ISO 8601 time")).to_be_visible()
    page.set_viewport_size({"width": 390, "height": 844})
    expect(page.get_by_label("Who")).to_be_visible()  # as the URL had a filter
    page.goto(f"{guarded.url}/audit")
    expect(page.get_by_label("Who")).to_be_hidden()
    page.get_by_role("button", name="Filters").click()
    expect(page.get_by_label("Who")).to_be_visible()


def test_the_audit_of_many_schedules_leads_nowhere(page: Page, guarded: Opened) -> None:
    pico = guarded.pico("crowded")
    for _ in range(21):
        guarded.raise_event(pico, "clocks:begin")
    rows = guarded.client.get("/api/scheduled", params={"pico": pico, "type": "never", "limit": 100}).json()
    ids = [each["id"] for each in rows["items"]]
    assert len(ids) == 21
    guarded.client.post("/api/changes", json={"ids": ids, "change": "cancel"}).raise_for_status()
    enter(page, guarded, made(guarded, "auditor", "read"), "/audit")
    row = page.get_by_role("row", name="21 schedules")
    expect(row).to_be_visible()
    expect(row.get_by_role("link")).to_have_count(0)


def test_the_editor_compares_versions_and_goes_back(page: Page, guarded: Opened) -> None:
    pico = guarded.pico("rewritten")
    texts = [f'ruleset said {{ rule r {{ select when a b send_directive("{each}") }} }}\n' for each in "xy"]
    for text in texts:
        guarded.client.post(f"/api/picos/{pico}/rulesets", json={"text": text})
    enter(page, guarded, made(guarded, "ed", "author"), "/rulesets/said")
    versions = page.locator("section", has_text="the latest first")
    expect(versions.get_by_role("row")).to_have_count(3)
    versions.get_by_role("button", name="Compare").click()
    compared = page.get_by_role("dialog", name="to the installed text")
    expect(compared.locator("pre")).to_contain_text(
        '+ruleset said { rule r { select when a b send_directive("y")'
    )
    compared.get_by_role("button", name="Close").click()
    expect(compared).to_have_count(0)
    versions.get_by_role("button", name="Go back…").click()
    page.get_by_role("button", name="Go back", exact=True).click()
    expect(page.get_by_text('the console as "ed"')).to_be_visible()
    told = guarded.client.post(f"/api/picos/{pico}/raise", json={"domain": "a", "type": "b"}).json()
    assert [each["name"] for each in told["directives"]] == ["x"]
    page.get_by_role("button", name="Install…").click()
    expect(page.get_by_text("nothing differs")).to_be_visible()


def test_a_reader_compares_versions_and_does_not_go_back(page: Page, guarded: Opened) -> None:
    pico = guarded.pico("read only")
    for each in "xy":
        text = f'ruleset seen {{ rule r {{ select when a b send_directive("{each}") }} }}\n'
        guarded.client.post(f"/api/picos/{pico}/rulesets", json={"text": text})
    enter(page, guarded, made(guarded, "viewer", "read"), "/rulesets/seen")
    versions = page.locator("section", has_text="the latest first")
    expect(versions.get_by_role("button", name="Compare")).to_be_visible()
    expect(versions.get_by_role("button", name="Go back…")).to_be_disabled()
    expect(page.get_by_role("button", name="Install…")).to_be_disabled()
