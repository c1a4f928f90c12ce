"""What all tests share: `pytest --update` rewrites golden files instead of comparing with them."""

import gc
import signal
from collections.abc import Iterator
from pathlib import Path

import elsewhere
import pytest
from hypothesis import settings
from postgres_server import Server

pytest_plugins = ["pytester"]

STARTERS = {"postgres", "picosched", "console", "context", "held", "worker", "ticking", "trying", "filling"}
"""Fixtures that start processes, among them a browser: a test that asks for one is slow."""

OPENERS = {"picosched", "held", "worker", "ticking", "trying"}
"""Fixtures whose processes open files."""

ELSEWHERE_TESTED = {"bench", "compat", "crash", "fuzz", "krl", "soak", "store"}
"""Folders whose tests open no store, or say themselves which kind they open."""

# Hypothesis would take an example that a busy machine held up for one that is slow.
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")

# A shell that starts the tests in the background has them ignore Ctrl-C, and what they start would do so too.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update", action="store_true", help="rewrite transcripts and other golden files; review the diff"
    )
    parser.addoption(
        "--store", choices=("file", "postgres"), default="file", help="where the picos of the tests are"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        if STARTERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("slow")
    if config.getoption("--store") == "postgres":
        of_files = [item for item in items if _is_of_files(item)]
        config.hook.pytest_deselected(items=of_files)
        items[:] = [item for item in items if item not in {*of_files}]


def _is_of_files(item: pytest.Item) -> bool:
    """Whether a test is about files or about no store, or opens files in processes of its own."""
    folder = item.path.relative_to(Path(__file__).parent).parts[0]
    opened = OPENERS.intersection(getattr(item, "fixturenames", ()))
    return bool(folder in ELSEWHERE_TESTED or opened or item.get_closest_marker("files"))


def pytest_collection_finish() -> None:
    # What was collected stays: without looking at it again and again the tests take a tenth less time.
    gc.collect()
    gc.freeze()


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update"))


@pytest.fixture(scope="session", autouse=True)
def stores(request: pytest.FixtureRequest) -> Iterator[None]:
    """With `--store postgres`, what tests open as files is in PostgreSQL."""
    if request.config.getoption("--store") == "file":
        yield
        return
    with pytest.MonkeyPatch.context() as monkeypatch:
        elsewhere.here = elsewhere.Elsewhere(request.getfixturevalue("postgres"), monkeypatch)
        yield


@pytest.fixture(autouse=True)
def stores_of_a_test(stores: None) -> Iterator[None]:
    """Stores that a test opens are its own; those of a module's fixtures last as long as these."""
    before = len(elsewhere.here.addresses) if elsewhere.here else 0
    yield
    if elsewhere.here:
        elsewhere.here.forget(before)


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A running PostgreSQL for the tests of one process."""
    server = Server()
    yield server
    server.remove()
