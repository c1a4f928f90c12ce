"""Writes the commit that a wheel is built from into it, for `picosched --version`.

All else is in pyproject.toml.
"""

import runpy
from pathlib import Path

from setuptools import setup
from setuptools.command.build_py import build_py

HERE = Path(__file__).parent
VERSION = runpy.run_path(str(HERE / "picosched" / "cli" / "version.py"))


class BuildWithCommit(build_py):
    def run(self) -> None:
        super().run()
        built = VERSION["build_of"](HERE / "picosched")
        if built is not None and not self.editable_mode:
            (Path(self.build_lib) / "picosched" / VERSION["BUILD"]).write_text(f"{built}\n")


setup(cmdclass={"build_py": BuildWithCommit})
