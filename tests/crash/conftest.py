"""`pytest tests/crash --all-kills` is what `make kill` runs: more databases than `make test` has time for."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--all-kills", action="store_true", help="kill until each kind of test has had its fill")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "database" in metafunc.fixturenames:
        few, all = metafunc.module.FEW, metafunc.module.ALL
        wanted = all if metafunc.config.getoption("--all-kills", default=False) else few
        metafunc.parametrize("database", range(wanted))
