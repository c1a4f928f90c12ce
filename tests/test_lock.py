"""requirements.lock gives everything that pyproject.toml wants, and names no registry."""

from __future__ import annotations

import re
import tomllib
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

pytestmark = pytest.mark.files

ROOT = Path(__file__).parent.parent
LOCK = (ROOT / "requirements.lock").read_text()
PINNED: dict[str, list[str]] = {}
"""Name → its releases: more than one where versions of Python get different ones."""
for name, version in re.findall(r"^([\w.-]+)==([^\s;]+)", LOCK, re.M):
    PINNED.setdefault(canonicalize_name(name), []).append(version)


def wanted() -> list[Requirement]:
    """What the package, its extras and its build ask for, but not the package itself."""
    told = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = told["project"]["optional-dependencies"].values()
    texts = chain(told["build-system"]["requires"], told["project"]["dependencies"], *extras)
    return [each for each in map(Requirement, texts) if each.name != "picosched"]


@pytest.mark.parametrize("requirement", wanted(), ids=str)
def test_the_lock_has_a_release_that_is_wanted(requirement: Requirement) -> None:
    pinned = PINNED.get(canonicalize_name(requirement.name))
    assert pinned, f"{requirement} is not locked: make lock"
    for version in pinned:
        assert requirement.specifier.contains(version), f"{requirement.name} {version} is locked: make lock"


def test_every_release_has_hashes_and_no_registry_is_named() -> None:
    releases = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.M)[1:]
    assert len(releases) == sum(map(len, PINNED.values())) > 50
    assert [each.split()[0] for each in releases if "--hash=sha256:" not in each] == []
    assert "://" not in LOCK
    assert "--index" not in LOCK and "--find-links" not in LOCK
