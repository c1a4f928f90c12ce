"""docs/sources.md: its configuration is read, and its fault told, as the page says."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from picosched import PicoschedError
from picosched.sources.reading import COMMON, KEYS, load_sources
from picosched.sources.source import KINDS, TYPES

PAGE = (Path(__file__).parent.parent.parent / "docs" / "sources.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```toml\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def test_the_configuration_of_the_page_is_read(tmp_path: Path) -> None:
    path = tmp_path / "picosched.toml"
    for block, names in zip(BLOCKS, (["pulse", "office", "nightly"], ["nightly"]), strict=True):
        path.write_text(block)
        assert [source.name for source in load_sources(path)] == names


def test_the_fault_of_the_page_is_told_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    path = Path("picosched.toml")
    path.write_text(BLOCKS[0].replace("expr =", "exp =", 1).replace("exp =", 'expr = "0 9 * * *", exp =', 1))
    with pytest.raises(PicoschedError) as caught:
        load_sources(path)
    assert f"```text\n{caught.value}\n```" in PAGE


def test_every_key_type_and_target_is_on_the_page() -> None:
    for key in {*COMMON, *(key for keys in KEYS.values() for key in keys)}:
        assert f"| `{key}` |" in PAGE
    for type in TYPES:
        assert f'`"{type}"`' in PAGE
    for kind in KINDS:
        assert f"| `{{ {kind} = " in PAGE
