"""FastAPI and NiceGUI are loaded by the first request for them, and nobody else waits for that."""

from __future__ import annotations

import asyncio
import json
import re
import signal
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI
from web.served import Served

from picosched.web.late import Late

REPORT = """
import atexit, json, sys
atexit.register(lambda: print(json.dumps([*sys.modules]), file=sys.stderr))
from picosched.cli.main import main
main(["serve", "echo.krl", "--open", "--port", "0", "--no-access-log"])
"""
HTML = {"accept": "text/html"}


@pytest.mark.files
@pytest.mark.slow
def test_a_server_imports_the_api_and_the_console_when_they_are_asked_for(
    served: Any, tmp_path: Path
) -> None:
    expected = (("/health", set()), ("/api/version", {"fastapi"}), ("/", {"fastapi", "nicegui"}))
    served("echo.krl", "--open").stop()  # the database and its rulesets are there
    for path, imported in expected:
        process = subprocess.Popen(
            [sys.executable, "-c", REPORT],
            cwd=tmp_path,
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        assert process.stdout is not None
        found = re.search(r"http://\S+\d", process.stdout.readline())
        assert found is not None
        for ours in ("/health", "/ready", "/metrics"):
            assert httpx.get(f"{found[0]}{ours}").status_code == 200
        assert httpx.get(f"{found[0]}{path}", timeout=30).status_code == 200  # no browser: it waits
        process.send_signal(signal.SIGTERM)
        _, errors = process.communicate(timeout=30)
        modules = {*json.loads(errors.splitlines()[-1])}
        assert {"fastapi", "nicegui"} & modules == imported
        assert {"typer", "pendulum", "httpx", "sqlite_utils"} & modules <= imported
        if not imported:
            assert not {"pydantic", "starlette", "structlog", "rich"} & modules


@pytest.mark.slow
def test_the_console_and_the_node_paths_answer_while_the_console_loads(served: Callable[..., Served]) -> None:
    site = served("echo.krl", "--open")
    pages: list[int] = []
    loading = threading.Thread(
        target=lambda: pages.append(httpx.get(site.url, headers=HTML, timeout=30).status_code)
    )
    loading.start()
    answers = 0
    with httpx.Client(base_url=site.url) as client:
        while loading.is_alive():
            assert client.get("/health").status_code == 200
            answers += 1
    loading.join()
    assert answers > 3
    assert pages[0] in (200, 503)  # 503: it said that it is loading
    assert "seconds=" in site.told("loaded part='the console'")
    assert "<title>" in httpx.get(site.url, headers=HTML, timeout=30).text


class Asked:
    """An ASGI request and what was answered."""

    def __init__(self, **headers: str) -> None:
        self.scope = {
            "type": "http",
            "method": "GET",
            "path": "/there",
            "raw_path": b"/there",
            "query_string": b"",
            "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
        }
        self.sent: list[Any] = []

    async def receive(self) -> Any:
        return {"type": "http.request", "body": b""}

    async def send(self, message: Any) -> None:
        self.sent.append(message)

    async def by(self, app: Late) -> int:
        await app(self.scope, self.receive, self.send)
        status: int = self.sent[0]["status"]
        return status


def page_app() -> FastAPI:
    app = FastAPI()
    app.add_api_route("/there", lambda: "here")
    return app


def test_a_browser_is_told_that_a_page_is_loading_and_others_wait() -> None:
    free = threading.Event()

    def make() -> FastAPI:
        assert free.wait(20)
        return page_app()

    async def work() -> None:
        late = Late("a part", make, patience=0.01)
        other = Asked(accept="*/*")
        waiting = asyncio.create_task(other.by(late))
        told = Asked(accept="text/html")
        assert await told.by(late) == 503
        assert b"loading" in told.sent[1]["body"]
        assert (b"retry-after", b"1") in told.sent[0]["headers"]
        assert not waiting.done()
        free.set()
        assert await waiting == 200
        assert await Asked(accept="text/html").by(late) == 200
        await late.stop()

    asyncio.run(work())


def test_a_part_is_made_once_however_many_ask_for_it_and_again_after_it_failed() -> None:
    made: list[int] = []

    def make() -> FastAPI:
        made.append(1)
        if len(made) == 1:
            raise RuntimeError("this part is broken")
        return page_app()

    async def work() -> None:
        late = Late("a part", make)
        failed = await asyncio.gather(*(Asked().by(late) for _ in range(5)), return_exceptions=True)
        assert [str(each) for each in failed] == ["this part is broken"] * 5
        assert await asyncio.gather(*(Asked().by(late) for _ in range(5))) == [200] * 5
        assert len(made) == 2
        await late.stop()

    asyncio.run(work())


def test_stopping_waits_for_a_part_that_is_loading_and_ends_its_life() -> None:
    ended: list[bool] = []

    def make() -> FastAPI:
        app = page_app()

        @asynccontextmanager
        async def life(app: FastAPI) -> AsyncIterator[None]:
            yield
            ended.append(True)

        app.router.lifespan_context = life
        return app

    async def work() -> None:
        late = Late("a part", make)
        asking = asyncio.create_task(Asked().by(late))
        await asyncio.sleep(0)
        await late.stop()
        assert ended == [True]
        assert await asking == 200

    asyncio.run(work())
