"""`picosched init`: the folder works as it is, and its picosched.toml knows every setting."""

import re
import tomllib
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from picosched.settings import ALMANAC, LIMITS, NAMES, TABLES, Settings, load_settings
from picosched.sources.reading import load_sources

pytestmark = pytest.mark.files

COMMENTED = re.compile(r"^#(?=\w+ = |\[)", re.MULTILINE)
OF_TABLES = {"windows", "keys", "alerts", "calendars", "places"}
"""Settings that are tables of the file."""


@pytest.fixture
def made(run: Any, folder: Path) -> Path:
    assert run("init", "home").status == 0
    return folder / "home"


def test_what_is_made_works_as_it_is(run: Any, made: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(made)
    assert run("test", ".").out == "morning.txt: passed\n"
    assert run("check", "morning.krl").out == "morning.krl: no faults\n"
    assert run("format", "--check", "morning.krl").status == 0
    assert run("install", "morning.krl").err == ""
    assert run("raise", "morning:wanted").err == ""
    assert run("show", "every morning", "--json").json["timespec"] == "0 7 * * *"


def test_every_setting_is_there_with_its_default(made: Path) -> None:
    file = made / "picosched.toml"
    text = file.read_text(encoding="utf-8")
    assert tomllib.loads(text) == {"engine": {}}
    file.write_text(COMMENTED.sub("", text), encoding="utf-8")
    tables = tomllib.loads(file.read_text(encoding="utf-8"))
    assert set(tables) == set(TABLES)
    assert set(tables["engine"]) == set(NAMES) - OF_TABLES
    settings, default = load_settings(file, {}), Settings()
    assert settings.limits == default.limits and not settings.almanac.business_days
    plain = {each.name for each in fields(Settings)} - {"limits", "almanac"} - OF_TABLES
    assert {name: getattr(settings, name) for name in plain} == {
        name: getattr(default, name) for name in plain
    }
    assert plain | OF_TABLES | {*LIMITS, *ALMANAC} == set(NAMES)
    assert (len(settings.windows), len(settings.keys), len(settings.alerts)) == (1, 1, 1)
    assert [each.name for each in load_sources(file)] == ["tick"]


def test_nothing_is_overwritten(run: Any, made: Path) -> None:
    (made / "morning.krl").unlink()
    (made / "morning.txt").write_text("mine")
    refused = run("init", "home")
    assert (refused.status, refused.err.split(",")[0]) == (3, "error: found home/morning.txt")
    assert [each.name for each in sorted(made.iterdir())] == ["morning.txt", "picosched.toml"]
    assert (made / "morning.txt").read_text() == "mine"


def test_a_place_that_cannot_be_a_folder_is_named(run: Any, folder: Path) -> None:
    (folder / "file").touch()
    assert run("init", "file/home").err.startswith("error: cannot write to file/home: ")


def test_the_next_line_is_one_for_a_shell(run: Any) -> None:
    assert run("init", "my home").out.endswith(
        "next: cd 'my home' && picosched test . && picosched install morning.krl\n"
    )


def test_without_a_folder_it_is_this_one(run: Any, folder: Path) -> None:
    assert run("init", "--json").json == ["morning.krl", "morning.txt", "picosched.toml"]
    assert (folder / "picosched.toml").exists()
