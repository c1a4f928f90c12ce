"""`alerts` and its kin: who is told of what, and alerts that are made by hand."""

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
    assert run("alerts").out == (
        "there are no alerts; `picosched add-alert` makes one, or a table [alert.NAME]\n"
    )
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
        "configured": True,
        "made": None,
        "made_by": None,
        "fault": "the setting smtp names no server",
    }
    assert (ops["to"], ops["signed"], ops["last"]) == ("http://127.0.0.1:9/…", True, None)

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


def test_an_alert_is_made_changed_tested_and_removed(run: Any, folder: Path) -> None:
    (folder / "picosched.toml").write_text(SETTINGS)
    (folder / "secret").write_text("hunter4\n")
    assert run("install", str(FAULTY)).status == 0
    to = "https://anna:hunter2@x.example/hook?key=hunter3"
    made = run("add-alert", "pager", to, "--on", "failed", "--after", "3", "--secret-file", "secret")
    assert made.out == (
        "added: pager posts to https://x.example/…, signed, when any schedule or source fails "
        "3 times in a row or recovers\n"
    )
    changed = run("change-alert", "pager", "--on", "late", "--on", "missed", "--json").json
    assert (changed["on"], changed["after"], changed["signed"]) == (["late", "missed"], 3, True)
    ops, me, pager = run("alerts", "--json").lines
    assert [each["configured"] for each in (ops, me, pager)] == [True, True, False]
    assert pager["made_by"].startswith("the command line")
    assert run("test-alert", "pager").out.startswith("on its way from pager")
    assert [each["rule"] for each in run("deliveries", "--json").lines] == ["pager"]
    deeds = [
        (each["what"], each["kind"], each["on"]) for each in run("audit", "--kind", "alert", "--json").lines
    ]
    assert deeds == [(what, "alert", "pager") for what in ("tested", "changed", "added")]
    told = "".join(run(*words).out for words in (("alerts",), ("audit",), ("deliveries",), ("doctor",)))
    assert "hunter" not in told
    assert run("remove-alert", "pager").out == "removed: pager\n"


def test_it_warns_of_an_alert_of_which_nothing_arrives(run: Any, folder: Path) -> None:
    assert run("install", str(FAULTY)).status == 0
    made = run("add-alert", "me", "http://ada:hunter2@10.0.0.1/x")
    assert (made.status, made.out.startswith("added: me posts to http://10.0.0.1/…")) == (0, True)
    why = "10.0.0.1 is private, and not listed in http_allow"
    assert made.err == f"warning: nothing that me tells arrives: {why}\n"
    assert why in run("alerts").out and run("alerts", "--json").json["fault"] == why
    assert "http_allow" in run("change-alert", "me", "--to", "http://127.0.0.1/x").err
    (folder / "picosched.toml").write_text('[engine]\nhttp_allow = ["127.0.0.1"]\n')
    assert run("change-alert", "me", "--after", "2").err == ""


def test_what_is_wrong_with_an_alert_is_said(run: Any, folder: Path) -> None:
    (folder / "picosched.toml").write_text(SETTINGS)
    assert run("install", str(FAULTY)).status == 0
    for words, told in (
        (("add-alert", "ops", "https://x/"), "the alert ops is a table [alert.ops] of the settings"),
        (("add-alert", "new", "https://x/", "--on", "fired"), "wanted as `on` a list of some of"),
        (("add-alert", "new", "https://x/", "--secret-file", "nosuch"), "cannot read the secret in nosuch"),
        (("add-alert", "new", "https://x/", "--secret-file", "/dev/null"), "found no secret in /dev/null"),
        (("remove-alert", "me"), "the alert me is a table [alert.me] of the settings"),
        (("remove-alert", "nosuch"), "there is no alert nosuch"),
        (("test-alert", "nosuch"), "there is no alert nosuch"),
        (("change-alert", "nosuch", "--after", "2"), "there is no alert nosuch"),
    ):
        failed = run(*words)
        assert (failed.status, told in failed.err) == (3 if "[alert." in told else 1, True), failed.err
    assert run("change-alert", "ops").status == 2


def test_a_server_does_not_start_with_two_alerts_of_a_name(run: Any, folder: Path) -> None:
    assert run("install", str(FAULTY)).status == 0
    assert run("add-alert", "ops", "https://x/").status == 0
    (folder / "picosched.toml").write_text(SETTINGS)
    for words in (("run", "--once"), ("serve", "--port", "0")):
        failed = run(*words)
        assert failed.status == 3
        assert "found the alert ops in the settings, and one made by" in failed.err
    assert run("remove-alert", "ops").status == 0
    assert run("run", "--once").status == 0
