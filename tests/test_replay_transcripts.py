"""The check of determinism: each transcript is played and then replayed, and each turn is as it was."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from picosched import Engine, Settings
from picosched.notation import parse_values, split
from picosched.rehearsal.transcript import play

HERE = Path(__file__).parent
RULESETS = [HERE / "rulesets", HERE.parent / "rulesets"]
BY_HAND = re.compile(r"^>.*(?:\n.*)*^install ", re.MULTILINE)
"""What people install is not replayed, unless before all turns."""

FILES = [
    file
    for file in sorted((HERE / "transcripts").glob("*.txt"))
    if not BY_HAND.search(file.read_text(encoding="utf-8"))
]


@pytest.mark.files
@pytest.mark.parametrize("file", FILES, ids=[each.stem for each in FILES])
def test_each_turn_is_as_it_was(file: Path, tmp_path: Path) -> None:
    head, commands = _parts(file.read_text(encoding="utf-8"))
    start, whole = tmp_path / "start.txt", tmp_path / "whole.txt"
    start.write_text(head, encoding="utf-8")
    whole.write_text(head + commands, encoding="utf-8")
    assert play(start, tmp_path / "start.db", RULESETS).mismatches == []
    play(whole, tmp_path / "whole.db", RULESETS)  # seeded as the other, so the ids are the same
    settings = parse_values(split(head.partition("settings ")[2].splitlines()[0]))
    with Engine(tmp_path / "whole.db", settings=Settings(), readonly=True, **settings) as engine:
        turns = len(engine.journal(limit=100_000))
        found = engine.replay(backup=tmp_path / "start.db")
        assert (found.turns, found.differences, found.unsure) == (turns, [], []), found.lines()
        assert (found.lost, found.requests, found.changed) == (0, 0, ())


def _parts(text: str) -> tuple[str, str]:
    """What comes before the first command, with settings that keep the whole history, and the commands."""
    place = text.index("\n>") + 1
    head = text[:place]
    chosen = re.search(r"^settings .*$", head, re.MULTILINE)
    settings = f"{chosen[0] if chosen else 'settings'} history_days=9999"
    return (head.replace(chosen[0], settings) if chosen else f"{settings}\n{head}"), text[place:]


def test_there_are_transcripts() -> None:
    assert len(FILES) > 20
