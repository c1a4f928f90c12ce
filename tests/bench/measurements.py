"""The measurements by name; each is a module with a function `measure`."""

from __future__ import annotations

from importlib import import_module
from pathlib import Path

from tests.bench.setup import Setup
from tests.bench.side_by_side import Row

NAMES = (
    "cold",
    "parsing",
    "expressions",
    "turns",
    "anatomy",
    "queries",
    "large_maps",
    "scheduling",
    "catching_up",
    "sources",
    "lateness",
    "virtual_year",
    "foresight",
    "over_http",
    "replaying",
)
ASKED_FOR = ("machines", "takeover", "pruning", "console")
"""Those that are done only if they are named: they take minutes, and a PostgreSQL or a browser."""


def rows_of(name: str, setup: Setup) -> list[Row]:
    rows: list[Row] = import_module(f"tests.bench.{name}").measure(setup)
    return rows


def about(name: str) -> str:
    """The first line of what a measurement says of itself."""
    source = Path(__file__).with_name(f"{name}.py").read_text(encoding="utf-8")
    return source.removeprefix('"""').splitlines()[0].removesuffix('"""').rstrip(".")
