"""`picosched mcp`, asked by the SDK's own client over stdio."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters
from web.running import running

from picosched.engine.engine import Engine
from picosched.settings import Settings

pytestmark = [pytest.mark.files, pytest.mark.slow]

RULESETS = Path(__file__).parent.parent.parent / "rulesets"
READING = {"check", "next", "simulate", "plan", "why", "scheduled"}
CHANGING = {"raise", "fire", "pause", "resume", "cancel", "install"}
GREETER = """ruleset greeter {
  meta { configure using greeting = "hello" }
  rule greet { select when greeter asked send_directive(greeting) }
}
"""


class Assistant:
    """A client that calls tools."""

    def __init__(self, client: Client) -> None:
        self.client = client

    async def __call__(self, name: str, **values: Any) -> Any:
        """The answer of a tool."""
        result = await self.client.call_tool(name, values)
        assert not result.is_error, result.content
        assert json.loads(result.content[0].text) == result.structured_content  # type: ignore[union-attr]
        return result.structured_content

    async def refused(self, name: str, **values: Any) -> str:
        """The error of a tool."""
        result = await self.client.call_tool(name, values)
        assert result.is_error
        return result.content[0].text  # type: ignore[union-attr]


Story = Callable[[Assistant], Coroutine[Any, Any, None]]


def play(folder: Path, story: Story, *words: str, where: Sequence[str] = ("--db", "home.db")) -> None:
    script = str(Path(sys.executable).with_name("picosched"))
    server = StdioServerParameters(command=script, args=["mcp", *where, *words], cwd=folder)

    async def whole() -> None:
        async with Client(server, read_timeout_seconds=60) as client:
            await story(Assistant(client))

    asyncio.run(whole())


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A folder with a database in which a digest is scheduled."""
    with Engine(tmp_path / "home.db", settings=Settings(durability="normal")) as engine:
        engine.root.install(RULESETS / "daily_digest.krl")
        engine.root.raise_event("digest", "wanted", {"zone": "Europe/Rome"})
    return tmp_path


def test_without_write_no_tool_changes_anything(home: Path) -> None:
    async def story(ask: Assistant) -> None:
        tools = (await ask.client.list_tools()).tools
        assert {each.name for each in tools} == READING
        assert all(each.annotations is not None and each.annotations.read_only_hint for each in tools)
        assert all(each.description for each in tools)
        assert "Unknown tool" in await ask.refused("cancel", id="daily digest")
        assert "picosched" in (ask.client.instructions or "")

    play(home, story)


def test_the_tools_that_read(home: Path) -> None:
    async def story(ask: Assistant) -> None:
        found = await ask("check", text=GREETER.replace("greeting)", "nosuch)"))
        errors = [each for each in found["findings"] if each["severity"] == "error"]
        assert (found["errors"], errors[0]["code"], errors[0]["line"]) == (1, "E101", 3)
        assert errors[0]["shown"].endswith("^^^^^^")

        times = await ask("next", timespec="0 9 * * 1-5", start="2026-03-06T12:00:00Z", count=2)
        assert times["explain"] == "at 09:00 on Monday to Friday"
        assert times["next"] == ["2026-03-09T09:00:00Z", "2026-03-10T09:00:00Z"]
        assert 'found "61"' in await ask.refused("next", timespec="61 * * * *")

        rows = await ask("scheduled", event="notification:digest_due")
        assert (rows["total"], rows["scheduled"][0]["name"]) == (1, "daily digest")
        assert (await ask("scheduled", status="paused")) == {"scheduled": [], "total": 0}
        assert "there is no pico nosuch" in await ask.refused("scheduled", pico="nosuch")
        assert "--event is a domain" in await ask.refused("scheduled", event=":")

        digest = (RULESETS / "daily_digest.krl").read_text()
        plan = await ask("plan", rulesets=[digest.replace('"0 7 * * *"', '"0 8 * * *"')], days=2)
        assert [each["rid"] for each in plan["deployed"]] == ["daily_digest"] and plan["shown"]
        assert "wanted `ruleset`" in await ask.refused("plan", rulesets=["/etc/passwd"])

        why = await ask("why", what="daily digest")
        assert why["links"][0]["name"] == "scheduled" and why["shown"].startswith("notification:digest_due")
        assert "nothing on record is called" in await ask.refused("why", what="nosuch")

    play(home, story)


def test_an_error_shows_no_file_that_has_the_name_of_a_ruleset(home: Path) -> None:
    (home / "picosched.toml").write_text("[engine]\n\n# a secret\n")
    text = "ruleset picosched.toml {\n\n  meta { use module nosuch } }\n"

    async def story(ask: Assistant) -> None:
        span = {"start": "2030-03-01T00:00:00Z", "until": "2030-03-02T00:00:00Z"}
        for told in (
            await ask.refused("simulate", **span, rulesets=[text]),
            await ask.refused("plan", rulesets=[text]),
        ):
            assert "picosched.toml:3:" in told and "secret" not in told

    play(home, story)


def test_a_simulation_is_bounded_and_touches_nothing(home: Path) -> None:
    before = (home / "home.db").read_bytes()

    async def story(ask: Assistant) -> None:
        span = {"start": "2030-03-01T00:00:00Z", "until": "2030-03-02T00:00:00Z"}
        told = await ask(
            "simulate", **span, rulesets=[GREETER], events=["greeter:asked"], config={"greeting": "hi"}
        )
        (record,) = told["records"]
        assert (record["directives"][0]["name"], told["complete"]) == ("hi", True)
        assert record["considered"][0]["outcome"] == "fired"
        days = {**span, "start": "2030-02-01T00:00:00Z", "copied": True, "limit": 5}
        told = await ask("simulate", **days)
        assert (len(told["records"]), told["complete"]) == (5, False)
        assert {each["event"] for each in told["records"]} == {"notification:digest_due"}
        years = {**span, "until": "2033-01-01T00:00:00Z"}
        assert "wanted 366 or fewer" in await ask.refused("simulate", **years)
        assert "wanted 1,000 or fewer" in await ask.refused("simulate", **span, events=["a:b"] * 1_001)
        secret = home / "secret.krl"
        secret.write_text(GREETER)
        for place in (str(secret), secret.as_uri(), f"{secret.as_uri()}\n", "http://127.0.0.1:1/a.krl"):
            told = await ask.refused("simulate", **span, rulesets=[place])
            assert "wanted `ruleset`" in told and "greeter" not in told

    play(home, story)
    assert (home / "home.db").read_bytes() == before


def test_with_write_picos_are_changed(home: Path) -> None:
    async def story(ask: Assistant) -> None:
        tools = {each.name: each for each in (await ask.client.list_tools()).tools}
        assert set(tools) == READING | CHANGING
        assert not any(tools[name].annotations.read_only_hint for name in CHANGING)  # type: ignore[union-attr]

        assert (await ask("install", text=GREETER, config={"greeting": "hi"}))["rid"] == "greeter"
        turn = await ask("raise", event="greeter:asked", attrs={"n": 1})
        assert turn["directives"][0]["name"] == "hi"
        assert turn["handled"][0]["considered"][0]["outcome"] == "fired"
        assert await ask("pause", id="daily digest") == {"changed": True}
        assert (await ask("scheduled", status="paused"))["total"] == 1
        assert await ask("resume", id="daily digest") == {"changed": True}
        assert (await ask("fire", id="daily digest"))["handled"][0]["type"] == "digest_due"
        assert await ask("cancel", id="daily digest") == {"changed": True}
        assert "no pending event" in await ask.refused("cancel", id="daily digest")
        faulty = GREETER.replace("send_directive(greeting)", "send_(")
        assert "greeter:3:49: found `}`, wanted" in await ask.refused("install", text=faulty)

    play(home, story, "--write")
    with Engine(home / "home.db", readonly=True) as engine:
        assert [*engine.root.rulesets()] == ["daily_digest", "greeter"]
        assert engine.agenda.scheduled() == []


def test_a_database_that_another_process_has_can_be_read(home: Path) -> None:
    with Engine(home / "home.db"):

        async def story(ask: Assistant) -> None:
            assert (await ask("scheduled"))["total"] == 1
            assert "in use by another picosched" in await ask.refused("cancel", id="daily digest")

        play(home, story, "--write")


def test_the_tools_work_on_a_server(home: Path) -> None:
    """The same tools, by HTTP and with its token; a simulation starts from a copy of its database."""
    engine = Engine(home / "home.db", settings=Settings(durability="normal"))
    with running(home, token=True, engine=engine) as site:
        (home / "token").write_text(site.token or "")

        async def reading(ask: Assistant) -> None:
            rows = await ask("scheduled", event="notification:digest_due")
            assert (rows["total"], rows["scheduled"][0]["name"]) == (1, "daily digest")
            why = await ask("why", what="daily digest")
            assert why["links"][0]["name"] == "scheduled"
            plan = await ask("plan", rulesets=[GREETER], days=2)
            assert [each["rid"] for each in plan["deployed"]] == ["greeter"]
            span = {"start": "2030-03-01T00:00:00Z", "until": "2030-03-03T00:00:00Z"}
            told = await ask("simulate", **span, copied=True)
            assert {each["event"] for each in told["records"]} == {"notification:digest_due"}
            assert "Unknown tool" in await ask.refused("cancel", id="daily digest")
            assert "there is no pico nosuch" in await ask.refused("scheduled", pico="nosuch")

        async def changing(ask: Assistant) -> None:
            assert (await ask("install", text=GREETER, config={"greeting": "hi"}))["rid"] == "greeter"
            turn = await ask("raise", event="greeter:asked")
            assert turn["directives"][0]["name"] == "hi"
            assert await ask("pause", id="daily digest") == {"changed": True}
            assert await ask("resume", id="daily digest") == {"changed": True}
            assert (await ask("fire", id="daily digest"))["handled"][0]["type"] == "digest_due"
            assert await ask("cancel", id="daily digest") == {"changed": True}
            faulty = GREETER.replace("send_directive(greeting)", "send_(")
            assert "found `}`, wanted" in await ask.refused("install", text=faulty)

        async def without_token(ask: Assistant) -> None:
            assert "token" in await ask.refused("scheduled")

        there = ("--url", site.url, "--token-file", "token")
        play(home, reading, where=there)
        play(home, changing, "--write", where=there)
        assert {*site.engine.root.rulesets()} >= {"daily_digest", "greeter"}
        assert site.engine.agenda.scheduled() == []
        play(home, without_token, where=("--url", site.url))
    play(home, nobody, where=there)


async def nobody(ask: Assistant) -> None:
    assert "nobody answers at http" in await ask.refused("scheduled")
