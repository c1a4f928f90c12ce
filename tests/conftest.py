"""What all tests share: `pytest --update` rewrites golden files instead of comparing with them."""

import gc
import signal
from collections.abc import Iterator

import pytest
from postgres_server import Server

pytest_plugins = ["pytester"]

STARTERS = {"postgres", "picosched", "console", "context", "held", "worker", "ticking", "filling"}
"""Fixtures that start processes, among them a browser: a test that asks for one is slow."""

# A shell that starts the tests in the background has them ignore Ctrl-C, and what they start would do so too.
signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--update", action="store_true", help="rewrite transcripts and other golden files; review the diff"
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if STARTERS.intersection(getattr(item, "fixturenames", ())):
            item.add_marker("slow")


def pytest_collection_finish() -> None:
    # What was collected stays: without looking at it again and again the tests take a tenth less time.
    gc.collect()
    gc.freeze()


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    return bool(request.config.getoption("--update"))


@pytest.fixture(scope="session")
def postgres() -> Iterator[Server]:
    """A running PostgreSQL for the tests of one process."""
    server = Server()
    yield server
    server.remove()
