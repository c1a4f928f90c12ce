"""`alerts`, and `GET /api/alerts`: one reading of what the settings tell."""

from __future__ import annotations

from pathlib import Path
from typing import Any

FAULTY = Path(__file__).parent.parent / "rulesets" / "faulty.krl"
SETTINGS = """\
[engine]
http_allow = ["127.0.0.1"]
[alert.ops]
to = "http://anna:hunter2@127.0.0.1:9/hook?key=1"
on = ["late", "failed"]
secret = "between us"
[alert.me]
to = "mailto:me@example.org"
"""


def test_without_alerts_it_says_so(run: Any) -> None:
    assert run("install", str(FAULTY)).status == 0
    assert run("alerts").out == "no alerts: the settings have no table [alert.NAME]\n"
    assert run("alerts", "--json").lines == []


def test_what_was_told_and_whether_it_arrived(run: Any, folder: Path) -> None:
    (folder / "picosched.toml").write_text(SETTINGS)
    assert run("install", str(FAULTY)).status == 0
    ops, me = run("alerts", "--json").lines
    assert me == {
        "name": "me",
        "to": "mailto:me@example.org",
        "on": ["failed", "missed"],
        "after": 1,
        "signed": False,
        "waiting": 0,
        "dead": 0,
        "last": None,
    }
    assert (ops["to"], ops["signed"], ops["last"]) == ("http://127.0.0.1:9/hook?…", True, None)

    run("raise", "plan:broken", "until=2100-01-01")
    run("raise", "plan:at", "when=2100-01-01T00:00:00Z", "_name=old")
    run("fire", "old")
    run("run", "--once")
    ops, me = run("alerts", "--json").lines
    assert (me["dead"], me["last"]["became"]) == (1, "given up")  # no mail server is named
    assert (ops["waiting"], ops["last"]["what"], ops["last"]["became"]) == (1, "old failed", "tried again")
    table = run("alerts").out
    assert "late, failed" in table and "old failed" in table and "tried again" in table
    assert "hunter2" not in table and "between" not in table
