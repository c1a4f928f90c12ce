"""The Node engine of the same language, driven in process by `peer.js`; optional.

It is installed by npm into a folder of its own below the temporary folder, and kept there. `pico-engine-core`
1.3.0 is the newest that the registry has; the compiler that it asks for has lost its parser there, so the one
of the same release takes its place. Its store is LevelDB, as in the engine it is made for, and does not wait
for the disk; its log goes nowhere, which is more than fair to it.
"""

from __future__ import annotations

import json
import math
import os
import subprocess
import tempfile
from pathlib import Path
from types import TracebackType
from typing import Any

PACKAGE: dict[str, Any] = {
    "private": True,
    "dependencies": {
        "pico-engine-core": "1.3.0",
        "krl-compiler": "1.3.0",
        "leveldown": "6.1.1",
        "body-parser": "1.20.3",
        "express": "4.21.2",
        "helmet": "4.6.0",
        "rotating-file-stream": "2.1.6",
    },
    "overrides": {"krl-compiler": "$krl-compiler", "krl-parser": "1.3.0"},
}
DRIVER = Path(__file__).with_name("peer.js")


def peer_in(folder: Path) -> Path:
    """The modules of a folder in which the peer was installed before; FileNotFoundError if it was not."""
    modules = folder.resolve() / "node_modules"
    for name in PACKAGE["dependencies"]:
        if not (modules / name).is_dir():
            raise FileNotFoundError(f"{modules} has no {name}")
    return modules


def installed_peer() -> Path:
    """The folder of the peer's modules; npm installs them the first time. OSError or SubprocessError."""
    folder = Path(tempfile.gettempdir()) / "picosched-bench-peer"
    folder.mkdir(exist_ok=True)
    package = folder / "package.json"
    wanted = json.dumps(PACKAGE)
    modules = folder / "node_modules"
    if not (package.exists() and package.read_text() == wanted and modules.exists()):
        package.write_text(wanted)
        try:
            subprocess.run(
                ["npm", "install", "--no-audit", "--no-fund", "--loglevel=error"],
                cwd=folder,
                check=True,
                capture_output=True,
                text=True,
                timeout=300,
            )
        except BaseException:
            package.unlink()
            raise
    return modules


class Peer:
    """A running peer: one task at a time, a line of JSON each way."""

    def __init__(self, modules: Path, folder: str) -> None:
        self._process = subprocess.Popen(
            ["node", str(DRIVER), folder],
            env={**os.environ, "NODE_PATH": str(modules)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def __enter__(self) -> Peer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self, task: str, **named: Any) -> float:
        """The figure that a task gives, infinite if it never ends. RuntimeError with the peer's words."""
        assert self._process.stdin and self._process.stdout
        self._process.stdin.write(json.dumps({"task": task, **named}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        answer = json.loads(line) if line else {"error": "it ended"}
        if "error" in answer:
            raise RuntimeError(f"the peer failed at {task}: {answer['error']}")
        return math.inf if answer["value"] is None else float(answer["value"])
