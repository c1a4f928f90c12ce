"""What is to come by HTTP: the calendar, and who may read it."""

from __future__ import annotations

import re
from collections.abc import Callable

import httpx
import pytest
from icalendar import Calendar
from web.running import Running
from web.served import Served

CALENDAR = "/api/calendar.ics"


@pytest.mark.slow
def test_a_calendar_of_one_pico_is_read_by_its_programs(site: Running, client: httpx.Client) -> None:
    site.engine.new_pico("office").install("""ruleset mail {
      rule plan { select when mail plan fired { schedule mail event "sent" repeat "0 9 * * *"
        with _description = event:attrs{"says"} } } }""")
    site.engine.pico("office").raise_event("mail", "plan", {"says": "Grüße, every day"})
    answer = client.get(CALENDAR, params={"pico": "office", "days": 7})
    assert answer.headers["content-type"] == "text/calendar; charset=utf-8"
    read = Calendar.from_ical(answer.content)
    assert read["X-WR-CALNAME"] == "office"
    found = read.walk("VEVENT")
    assert {str(each["SUMMARY"]) for each in found} == {"Grüße, every day"} and len(found) == 7
    assert Calendar.from_ical(client.get(CALENDAR, params={"pico": "root"}).content).walk("VEVENT") == []
    assert client.get(CALENDAR, params={"days": 367}).status_code == 400
    assert client.get(CALENDAR, params={"pico": "nosuch"}).status_code == 404
    site.engine.pico("office").delete()


def test_the_url_of_the_calendar_may_have_the_token_and_no_other(served: Callable[..., Served]) -> None:
    site = served()
    shown = re.search(r"shown only now: (\S+)", site.told("the token"))
    assert shown is not None
    token = shown[1]
    with httpx.Client(base_url=site.url) as stranger:

        def status(path: str, method: str = "GET", **params: str | list[str]) -> int:
            return stranger.request(method, path, params=params).status_code

        assert status(CALENDAR, token=token) == 200
        assert [status(CALENDAR), status(CALENDAR, token="no")] == [401, 401]
        assert status(CALENDAR, token=[token, "no"]) == 401
        assert status(CALENDAR, "POST", token=token) == 401
        assert status("/api/picos", token=token) == 401
        assert stranger.get(CALENDAR, headers={"authorization": f"Bearer {token}"}).status_code == 200
    site.stop()
    log = "".join(site.errors)
    assert log.count(CALENDAR) == 6 and log.count(token) == 1


@pytest.mark.slow
def test_the_load_of_hours_is_told_with_a_suggestion(site: Running, client: httpx.Client) -> None:
    site.engine.new_pico("busy").install("""ruleset busy {
      rule plan { select when busy plan
        fired { schedule busy event "due" repeat "0 9 * * *" with _count = 40000 } } }""")
    site.engine.pico("busy").raise_event("busy", "plan")
    day = {"from": "2099-03-01T00:00:00Z", "until": "2099-03-02T00:00:00Z"}
    told = client.get("/api/load", params={**day, "suggest": "0 9 * * *"}).json()
    assert {"at": "2099-03-01T09:00:00Z", "count": 1} in told["hours"]
    full = next(each for each in told["fullest"] if each["at"] == "2099-03-01T09:00:00Z")
    assert ("busy:due", "busy") in {(each["event"], each["of"]) for each in full["what"]}
    assert (told["suggestion"]["shift"], told["suggestion"]["shifted"]) == (1, "1 9 * * *")
    assert client.get("/api/load", params={"until": "2000-01-01"}).status_code == 400


@pytest.mark.slow
def test_the_graph_is_a_picture(site: Running, client: httpx.Client) -> None:
    site.engine.new_pico("drawn").install("""ruleset drawn {
      rule plan { select when drawn plan fired { schedule drawn event "due" repeat "0 9 * * *" } }
      rule due { select when drawn due } }""")
    site.engine.pico("drawn").raise_event("drawn", "plan")
    answer = client.get("/api/graph.svg", params={"pico": "drawn"})
    assert answer.headers["content-type"] == "image/svg+xml"
    assert answer.text.startswith("<svg ") and ">1 of 1</text>" in answer.text
    told = client.get("/api/graph", params={"pico": "drawn"}).json()["picture"]
    assert [each["name"] for each in told["boxes"]] == ["drawn:plan", "plan", "drawn:due", "due"]
    assert client.get("/api/graph.svg", params={"pico": "nosuch"}).status_code == 404
    site.engine.pico("drawn").delete()
