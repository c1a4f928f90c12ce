"""kill -9 while rules send events to another server: each is sent at least once and handled exactly once."""

from __future__ import annotations

import os
import random
import subprocess
import sys
from pathlib import Path

import pytest
from crash.killing import killed
from web.running import running

from picosched import Engine

POSTING = Path(__file__).with_name("posting.py")
BY_STATEMENT = 40
BY_TIME = 20

COUNTING = """ruleset counting {
  meta { shares all }
  global { all = function(){ ent:all.defaultsTo({}) } }
  rule arrived { select when parcel arrived
    pre { n = event:attrs{"n"} }
    always { ent:all := all().put(n, all(){n.as("String")}.defaultsTo(0) + 1) } }
}"""


@pytest.mark.slow
def test_each_event_for_another_server_is_handled_once_through_60_kills(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path, chance = tmp_path / "killed.db", random.Random(20260301)
    orders = [f"{path} statement {number}" for number in range(1, 4 * BY_STATEMENT, 4)]
    orders += [f"{path} after {chance.uniform(0.05, 0.3):.3f}" for _ in range(BY_TIME)]
    with running(tmp_path) as there:
        there.engine.root.install(COUNTING)
        env = {**os.environ, "HOST": there.url, "ECI": there.eci}
        with subprocess.Popen(
            [sys.executable, str(POSTING)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
        ) as process:
            for order in orders:
                killed(process, order)
            process.kill()
        with Engine(path, http_allow=["127.0.0.1"]) as engine:
            sent = engine.sources()[0].raised
            pending = engine.deliveries(limit=10_000)
            (source,) = engine.sources()
            engine.remove_source(source.id)
            for each in pending:
                engine.retry_delivery(each.id)
            while engine.deliveries():
                engine.run_due()
            assert engine.deliveries(dead=True) == []
        counted = there.engine.root.query("counting", "all")
    assert counted == {str(n): 1 for n in range(sent)}
    assert sent > BY_TIME
    with capsys.disabled():
        print(  # noqa: T201 (the counts are what the test is for)
            f"\n{len(orders)} kills; {sent} sent, {len(pending)} of them after the last; 0 lost, 0 doubled"
        )
