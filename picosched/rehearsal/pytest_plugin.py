"""The pytest plugin: a pico as a fixture, and transcripts as tests.

    def test_a_tea_is_ready_when_its_minutes_are_over(pico):
        pico.install("tea_timer.krl")
        pico.raise_event("tea", "started", {"minutes": 5})
        assert pico.said() == [("say", {"text": "steeping"})]
        pico.advance(minutes=5)
        assert pico.said() == [("say", {"text": "your tea is ready"})]

pytest loads this wherever picosched is installed, for tests that have nothing to do with it as well. So it
imports the engine when a test asks for a pico or plays a transcript, and keeps no state.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from _pytest._code.code import TerminalRepr

    from picosched.rehearsal.pico import RehearsedPico

START = "2026-01-01T00:00:00Z"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addini("picosched_start", "start time of the clock of the fixture pico", default=START)
    parser.addini("picosched_transcripts", "transcripts, and folders of *.txt, to run as tests", type="paths")


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "picosched(start=TIME, seed=SEED, SETTING=VALUE, …): the clock and the engine of the fixture pico",
    )


@pytest.fixture
def pico(request: pytest.FixtureRequest) -> Iterator[RehearsedPico]:
    """A pico on its own in-memory engine, whose clock moves only when the test moves it."""
    from picosched.rehearsal.pico import rehearsed
    from picosched.rehearsal.transcript import around

    options = {"start": request.config.getini("picosched_start")}
    for marker in reversed([*request.node.iter_markers("picosched")]):  # the nearest is the last, and wins
        if marker.args:
            raise pytest.UsageError(f"the marker picosched: found {marker.args[0]!r}, wanted NAME=VALUE")
        options |= marker.kwargs
    with rehearsed(**options, rulesets=around(request.path)) as pico:
        yield pico


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.File | None:
    for place in parent.config.getini("picosched_transcripts"):
        if file_path == place or (file_path.suffix == ".txt" and place in file_path.parents):
            return TranscriptFile.from_parent(parent, path=file_path)
    return None


class TranscriptFile(pytest.File):
    """A transcript is one test."""

    def collect(self) -> Iterator[pytest.Item]:
        yield TranscriptItem.from_parent(self, name=self.path.stem)


class MismatchError(Exception):
    """A transcript's results differ from the expected ones."""


class TranscriptItem(pytest.Item):
    """Plays a transcript, on an engine of its own."""

    def runtest(self) -> None:
        from picosched.errors import PicoschedError
        from picosched.rehearsal.transcript import play

        try:
            mismatches = play(self.path).mismatches
        except PicoschedError as error:
            raise MismatchError(str(error)) from error
        if mismatches:
            raise MismatchError("\n".join(map(str, mismatches)))

    def repr_failure(
        self, excinfo: pytest.ExceptionInfo[BaseException], style: Any = None
    ) -> str | TerminalRepr:
        """Only the differences; our own traceback would not help."""
        if isinstance(excinfo.value, MismatchError):
            return str(excinfo.value)
        return super().repr_failure(excinfo, style)

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, None, self.name
