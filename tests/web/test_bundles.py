"""The bundles that the console sends in place of files of NiceGUI are made of what is here, and fit them."""

from __future__ import annotations

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import nicegui
import pytest

from picosched.errors import PicoschedError
from picosched.web.console.bundles import BUNDLED, INSTEAD, MADE_FOR, STATIC, replaced

pytestmark = pytest.mark.files

SOURCES = Path(__file__).parents[2] / "bundles"
NICEGUI = Path(nicegui.__file__).parent
CODEMIRROR = NICEGUI / "elements" / "codemirror"


def releases(lock: Path) -> dict[str, str]:
    """Package → its release."""
    packages: dict[str, dict[str, Any]] = json.loads(lock.read_text(encoding="utf-8"))["packages"]
    return {path.removeprefix("node_modules/"): each["version"] for path, each in packages.items() if path}


OURS, THEIRS = releases(SOURCES / "package-lock.json"), releases(CODEMIRROR / "package-lock.json")


@pytest.mark.parametrize("name", ["codemirror.js", *INSTEAD.values()])
def test_a_bundle_is_made_of_the_sources(name: str) -> None:
    digest = sha256()
    for each in ("package-lock.json", "build.mjs", "codemirror.mjs", "quasar.mjs", "vue.cjs"):
        digest.update((SOURCES / each).read_bytes())
    head, *_ = (BUNDLED / name).read_text(encoding="utf-8").partition("\n")
    assert digest.hexdigest()[:16] in head, "make bundles"


def test_the_bundles_are_for_the_release_of_nicegui_that_is_installed() -> None:
    said = f"try the console with the bundles in NiceGUI {nicegui.__version__}, then change MADE_FOR"
    assert nicegui.__version__ == MADE_FOR, said


def test_a_template_that_names_the_files_otherwise_is_refused() -> None:
    page = "".join(f"<{STATIC}{each}>" for each in INSTEAD)
    assert replaced(page, lambda name: f"/{name}") == "".join(f"</{each}>" for each in INSTEAD.values())
    with pytest.raises(PicoschedError, match=r"found no quasar\.umd\.prod\.js in the template of NiceGUI"):
        replaced(page.replace("quasar.umd.prod.js", "quasar.umd.js"), lambda name: name)


def test_they_have_the_releases_that_nicegui_has() -> None:
    head = (NICEGUI / "static" / "quasar.umd.prod.js").read_text(encoding="utf-8")[:100]
    assert f"Quasar Framework v{OURS['quasar']}\n" in head
    shared = [name for name in OURS if name.startswith("@codemirror/")]
    assert {name: OURS[name] for name in shared} == {name: THEIRS[name] for name in shared} != {}


def test_the_editor_finds_in_the_module_all_that_it_asks_for() -> None:
    element = (CODEMIRROR / "codemirror.js").read_text(encoding="utf-8")
    bundle = (BUNDLED / "codemirror.js").read_text(encoding="utf-8")
    exported = re.findall(r"(\w+)(?=[,}])", bundle[bundle.rindex("export{") :])
    assert set(re.findall(r"\bCM\.(\w+)", element)) - set(exported) == set()


def test_the_licences_of_all_that_is_bundled_are_beside() -> None:
    text = (BUNDLED / "LICENSES.txt").read_text(encoding="utf-8")
    named = dict(re.findall(r"^(@?[a-z0-9/-]+) (\d+\.\d+\.\d+)$", text, re.M))
    assert len(named) > 10 and "quasar" in named and "@codemirror/view" in named
    assert named == {name: OURS[name] for name in named}
    assert text.count("Permission is hereby granted") == len(named)


def test_the_lock_has_hashes_and_names_no_registry() -> None:
    packages = json.loads((SOURCES / "package-lock.json").read_text(encoding="utf-8"))["packages"]
    assert [path for path, each in packages.items() if path and "integrity" not in each] == []
    assert [path for path, each in packages.items() if "resolved" in each] == []
