"""What the tests of the store share: the disk that fails, to be preloaded into a process."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

pytest.register_assert_rewrite("store.exercise", "store.exercise_queues")


@pytest.fixture(scope="session")
def faults_library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """`faults.c`, compiled."""
    assert shutil.which("cc"), "the tests of the store need a C compiler as the command cc"
    library = tmp_path_factory.mktemp("faults") / "faults.so"
    source = Path(__file__).with_name("faults.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", library, source, "-ldl"], check=True)
    return library
