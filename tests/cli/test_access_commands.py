"""Tokens and the audit on the command line, on a database."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest


def test_a_token_is_made_listed_and_revoked(run: Any) -> None:
    run("picos", "--new", "kitchen")
    made = run("make-token", "anna", "--role", "operate", "--expires", "30d", "--json")
    told = json.loads(made.out)
    assert (told["name"], told["role"], told["state"]) == ("anna", "operate", "valid")
    listed = json.loads(run("tokens", "--json").out)
    assert {**listed, "token": told["token"]} == told
    assert told["token"] not in run("tokens").out
    assert "anna  operate  valid" in run("tokens").out
    again = run("make-token", "anna")
    assert again.status == 3 and "there is a token anna already" in again.err
    assert run("make-token", "x", "--role", "king").status == 1
    assert run("make-token", "x", "--expires", "2020-01-01").status == 1
    assert run("revoke-token", "anna").out == "revoked: anna\n"
    assert run("revoke-token", "anna").status == 1
    assert run("tokens").out == "there are no named tokens\n"


def test_the_audit_tells_the_user_of_the_command_line(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOGNAME", "joe")
    run("picos", "--new", "kitchen")
    assert run("audit", "--what", "fired").out == "nothing of that was done from outside\n"
    run("make-token", "anna")
    deeds = [json.loads(line) for line in run("audit", "--json").out.splitlines()]
    assert [(each["what"], each["kind"], each["by"]) for each in deeds] == [
        ("made", "token", 'the command line as "joe"'),
        ("made", "pico", 'the command line as "joe"'),
    ]
    assert "token anna" in run("audit", "--kind", "token", "--name", "joe").out
    assert run("audit", "--what", "eaten").status == 1


def test_a_ruleset_is_compared_and_taken_back(run: Any, folder: Path) -> None:
    one, two = (f'ruleset tea {{ rule r {{ select when a b send_directive("{word}") }} }}\n' for word in "xy")
    (folder / "tea.krl").write_text(one)
    run("install", "tea.krl")
    assert (run("diff", "tea.krl").out, run("diff", "tea.krl").status) == ("nothing differs\n", 0)
    (folder / "tea.krl").write_text(two)
    changed = run("diff", "tea.krl")
    assert changed.status == 2 and 'send_directive("y")' in changed.out
    run("install", "tea.krl")
    listed = [json.loads(line) for line in run("versions", "tea", "--json").out.splitlines()]
    assert [each["rid"] for each in listed] == ["tea", "tea"] and listed[0]["origin"] == "tea.krl"
    first = listed[1]["hash"][:8]
    assert "-" in run("versions", "tea", "--diff", first).out
    assert run("go-back", "tea").out.startswith(f"installed tea {first} on ")
    assert run("raise", "a:b", "--json").out.count('"x"') == 1
    assert run("go-back", "tea", "zz").status == 1
