"""Servers as fixtures."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from web.running import Running, running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """A server that asks for no token."""
    with running(tmp_path_factory.mktemp("web")) as found:
        yield found


@pytest.fixture(scope="module")
def client(site: Running) -> Iterator[httpx.Client]:
    with site.client() as found:
        yield found


@pytest.fixture
def serving(tmp_path: Path) -> Callable[..., Any]:
    """Serve with options of one's own: `with serving(rate=2) as site:`."""

    def made(**options: Any) -> Any:
        return running(tmp_path, **options)

    return made
