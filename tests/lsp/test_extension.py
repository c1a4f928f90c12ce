"""The extension of VS Code: the file is whole, and its client works with the server."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from zipfile import ZipFile

import pytest
import regex
from playwright._impl._driver import compute_driver_executable

from picosched.cli.main import main
from picosched.krl.grammar.tokens import RESERVED

pytestmark = pytest.mark.files

TEA = """ruleset tea {
  rule plan {
    select when tea wanted
    fired { schedule tea event "due" repeat "0 9 * * 1-5" }
  }
  rule make { select when tea due send_directive("say", {"text": nosuch}) }
}
"""


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """The folder of a .vsix file that the command wrote."""
    for file in ("a.vsix", "b.vsix"):
        with pytest.raises(SystemExit) as ended:
            main(["lsp", "--vscode", str(tmp_path / file)])
        assert not ended.value.code
    assert (tmp_path / "a.vsix").read_bytes() == (tmp_path / "b.vsix").read_bytes()
    with ZipFile(tmp_path / "a.vsix") as archive:
        archive.extractall(tmp_path / "unpacked")
    return tmp_path / "unpacked"


def every(value: Any, name: str) -> Iterator[str]:
    """Every value of a key, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == name and isinstance(inner, str):
                yield inner
            yield from every(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from every(inner, name)


def test_the_file_has_what_its_manifest_names(unpacked: Path) -> None:
    package = json.loads((unpacked / "extension" / "package.json").read_text())
    named = [package["main"], *every(package["contributes"], "path"), *every(package, "configuration")]
    assert len(named) == 4
    assert all((unpacked / "extension" / each).is_file() for each in named)
    manifest = ElementTree.parse(unpacked / "extension.vsixmanifest")
    (asset,) = manifest.findall(".//{*}Asset")
    assert (unpacked / asset.attrib["Path"]).is_file()
    (identity,) = manifest.findall(".//{*}Identity")
    assert identity.attrib["Version"] == package["version"] != "0.0.0"
    types = {
        each.attrib["Extension"] for each in ElementTree.parse(unpacked / "[Content_Types].xml").getroot()
    }
    assert {each.suffix[1:] for each in unpacked.rglob("*") if each.is_file()} - {"xml"} == types


def test_the_grammar_is_sound_and_knows_the_reserved_words(unpacked: Path) -> None:
    grammar = json.loads((unpacked / "extension" / "krl.tmLanguage.json").read_text())
    included = {each.removeprefix("#") for each in every(grammar, "include")}
    assert included == set(grammar["repository"])
    patterns = [each for name in ("match", "begin", "end") for each in every(grammar, name)]
    for each in patterns:
        regex.compile(each)
    words = set(re.findall(r"\w+", " ".join(every(grammar["repository"]["keywords"], "match"))))
    assert set(RESERVED) <= words


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["lsp", "--vscode", str(tmp_path / "nosuch" / "a.vsix")])
    assert ended.value.code == 1
    assert "a.vsix: No such file or directory" in capsys.readouterr().err


@pytest.mark.slow
def test_its_client_shows_what_the_server_finds(unpacked: Path, tmp_path: Path) -> None:
    """In a stand-in for the editor, on the Node that comes with a package."""
    node, _ = compute_driver_executable()
    (tmp_path / "tea.krl").write_text(TEA)
    words = [Path(__file__).with_name("host.js"), unpacked / "extension"]
    words += [Path(sys.executable).with_name("picosched"), tmp_path, tmp_path / "tea.krl"]
    done = subprocess.run([node, *words], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (0, "")
    shown = json.loads(done.stdout)
    (finding,) = shown["findings"]
    assert (finding["code"], finding["severity"], finding["range"]["line"]) == ("E101", 0, 5)
    assert shown["hover"].startswith("**at 09:00 on Monday to Friday**")
    assert {"schedule", "send_directive"} <= {*shown["labels"]}
    assert [each["range"]["line"] for each in shown["definitions"]] == [5]
    assert shown["edits"] == 1
    assert [each[:6] for each in shown["lenses"]] == ["next: ", "rehear", "rehear"]
    assert sorted(shown["renamed"]) == [[3, 32, "ready"], [5, 30, "ready"]]
    assert (shown["place"]["line"], shown["place"]["character"]) == (3, 32)
    assert shown["rehearsed"].startswith("tea:wanted, and the week until ")
    assert "E101" not in shown["rehearsed"] and "nosuch" in shown["rehearsed"]
