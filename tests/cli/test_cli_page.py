"""Pages of commands, docs/cli.md and the tutorial: every example prints what the page says; and every command
is in docs/cli.md.

Ids, times and process numbers are other ones in each run: they are compared by their form. An id that the
page shows stands, in its later commands, for the id that was really printed in its place.
"""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
from web.served import Served

from picosched.cli.main import MODULES

DOCS = Path(__file__).parent.parent.parent / "docs"
PAGE = DOCS / "cli.md"
FENCE = re.compile(r"^```(\w+)(?: title=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
ID = re.compile(r"\b[0-9a-f]{32}\b|\b[0-9a-f]{8}\b")
FORMS = (
    (ID, "ID"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z|\b\d{8}T\d{6}Z"), "TIME"),
    (re.compile(r"asked [\d:]{8}"), "asked TIME"),
    (re.compile(r"process \d+"), "process N"),
    (re.compile(r"-?\d+\.\d+(?: s\b|(?=,\"outcome))"), "SECONDS"),
    (re.compile(r"[ \t]+"), " "),
)


@dataclass
class Example:
    """A command of the page and what it prints there."""

    command: str
    lines: list[str] = field(default_factory=list)


def examples(block: str) -> Iterator[Example]:
    example: Example | None = None
    for line in block.splitlines():
        if line.startswith("$ "):
            if example:
                yield example
            example = Example(line[2:])
        elif example:
            example.lines.append(line)
    if example:
        yield example


def formed(line: str) -> str:
    for pattern, form in FORMS:
        line = pattern.sub(form, line)
    return line.strip()


def with_ids(line: str, instead: dict[str, str]) -> str:
    return ID.sub(lambda found: instead.get(found[0], found[0]), line)


@pytest.mark.parametrize("path", [PAGE, DOCS / "tutorial.md"], ids=lambda path: path.stem)
def test_every_example_prints_what_the_page_says(
    path: Path, picosched: Any, folder: Path, update: bool
) -> None:
    page = path.read_text()
    known: dict[str, str] = {}
    new = page
    for language, title, block in FENCE.findall(page):
        if title:
            (folder / title).write_text(block)
        if language != "console":
            continue
        written = ""
        for example in examples(block):
            words = shlex.split(with_ids(example.command, known))
            assert words.pop(0) == "picosched"
            result = picosched(*words)
            assert "Traceback" not in result.err, result.err
            printed = [line.rstrip() for line in (result.out + result.err).splitlines()]
            for shown, real in zip(
                ID.findall("\n".join(example.lines)), ID.findall("\n".join(printed)), strict=False
            ):
                known[shown] = real
            same = [*map(formed, printed)] == [*map(formed, example.lines)]
            assert same or update, f"$ {example.command}\n" + "\n".join(printed)
            back = {real: shown for shown, real in known.items()}
            kept = [with_ids(line, back) for line in printed]
            written += "\n".join([f"$ {example.command}", *(example.lines if same else kept)]) + "\n"
        new = new.replace(block, written, 1)
    if update:
        path.write_text(new)


def test_every_command_has_its_place_on_the_page() -> None:
    names = {name for names in MODULES.values() for name in names}
    headings = " ".join(re.findall(r"^##+ (.*)$", PAGE.read_text(), re.MULTILINE))
    assert names <= set(re.findall(r"[a-z-]+", headings))


def test_the_end_of_the_tutorial_works_on_a_server(
    picosched: Any, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The sensor's channel is made while the server has the database, and the sensor posts to it."""
    page = (DOCS / "tutorial.md").read_text()
    (ruleset,) = (block for _, title, block in FENCE.findall(page) if title == "plants.krl")
    production = page.partition("## In production")[2]
    serve, asked = (block for language, _, block in FENCE.findall(production) if language == "text")
    (folder / "plants.krl").write_text(ruleset)
    assert picosched("install", "plants.krl", "--db", "home.db").status == 0
    words = shlex.split(serve)
    assert words[:2] == ["picosched", "serve"]
    site = Served(folder, *words[2:])
    try:
        token = site.told("the token, shown only now: ").split()[-1]
        export, channels, curl = asked.replace("http://127.0.0.1:8123", site.url).splitlines()
        for name, value in (
            each.split("=") for each in export.replace("TOKEN=TOKEN", f"TOKEN={token}").split()[1:]
        ):
            monkeypatch.setenv(name, value)
        made = picosched(*shlex.split(channels)[1:], "--json")
        assert made.status == 0, made.err
        (eci,) = (each["eci"] for each in made.lines if each["tags"] == ["sensor"])
        _, _, data, url = curl.replace("ECI", eci).split()
        assert httpx.post(url, data=dict([data.split("=")])).status_code == 200
        (row,) = picosched("scheduled", "--json").lines
        assert row["name"] == "water Fern"
    finally:
        assert site.stop() == 0
