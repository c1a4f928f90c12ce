"""A real server on a real socket for tests: in a thread of this process, or as a process of its own."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI

from picosched.engine.engine import Engine
from picosched.web.access import kept_hash, new_token
from picosched.web.serving import Plan, Server, address_of, listen, serve

RULESET = """
ruleset echo {
  meta { shares given, greet, page, count, asked }
  global {
    given = function(name, number) { {"name": name, "number": number} }
    greet = function(name) { "hello " + name }
    page = function() { "<b>bold</b>" }
    count = function() { ent:count.defaultsTo(0) }
    asked = function(url) { http:get(url){"content"} }
  }
  rule back {
    select when echo back
    send_directive("back", event:attrs)
    always { ent:count := count() + 1 }
  }
  rule eid { select when echo eid send_directive("eid", {"eid": event:eid}) }
  rule cookies {
    select when echo cookies
    every {
      send_directive("_cookie", {"cookie": "a=1; Path=/"})
      send_directive("_cookie", {"cookie": "b=2; Path=/"})
    }
  }
  rule go { select when echo go send_directive("_redirect", {"url": event:attrs{"to"}}) }
  rule broken { select when echo broken send_directive("sum", {"n": time:add("soon", {"days": 1})}) }
  rule later {
    select when echo later
    always { schedule echo event "back" at event:attrs{"at"} attributes {"n": 1} }
  }
  rule asks {
    select when echo asks
    pre { got = http:get(event:attrs{"url"}) }
    send_directive("got", {"text": got{"content"}})
  }
}
"""


@dataclass
class Running:
    """A server that runs."""

    engine: Engine
    server: Server
    url: str
    eci: str
    token: str | None
    loop: asyncio.AbstractEventLoop

    @property
    def api(self) -> FastAPI:
        """Its FastAPI app, loaded now if no request needed it yet."""
        return asyncio.run_coroutine_threadsafe(self.server.api.loaded(), self.loop).result(20)

    def client(self, **options: Any) -> httpx.Client:
        """A client for it, with the token if one is asked for; it follows no redirection."""
        headers = {"authorization": f"Bearer {self.token}"} if self.token else {}
        return httpx.Client(base_url=self.url, headers=headers, timeout=30, **options)


@contextmanager
def running(
    folder: Path, *, token: bool = False, engine: Engine | None = None, **options: Any
) -> Iterator[Running]:
    """Serve an engine in a thread, the ruleset above on its root, until the block ends."""
    engine = engine or Engine(folder / "picos.db", granularity=1, min_period=0, http_allow=("127.0.0.1",))
    begun = threading.Event()
    servers: list[tuple[Server, asyncio.AbstractEventLoop]] = []

    def ready(server: Server) -> None:
        servers.append((server, asyncio.get_running_loop()))
        begun.set()

    with engine, listen("127.0.0.1", 0) as listening:
        engine.root.install(RULESET)
        secret = new_token(engine) if token else None
        plan = Plan(**{"token_hash": kept_hash(engine), "access_log": None, **options})
        thread = threading.Thread(target=serve, args=(engine, plan, listening), kwargs={"ready": ready})
        url = address_of(listening)
        thread.start()
        try:
            assert begun.wait(20)
            server, loop = servers[0]
            yield Running(engine, server, url, engine.root.new_channel(["test"]).eci, secret, loop)
        finally:
            for server, _ in servers:
                server.stop()
            thread.join()
