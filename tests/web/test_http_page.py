"""docs/http.md and docs/operations.md: every path, status, metric and option is there, and no other."""

from __future__ import annotations

import re
from pathlib import Path

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from web.running import Running

from picosched.cli.serving import serve
from picosched.web.errors import STATUS
from picosched.web.sky import find_call

DOCS = Path(__file__).parent.parent.parent / "docs"
HTTP = (DOCS / "http.md").read_text(encoding="utf-8")
OPERATIONS = (DOCS / "operations.md").read_text(encoding="utf-8")


def spans_of_first_cells(text: str) -> list[str]:
    """The code spans in the first cells of all tables."""
    rows = re.findall(r"^\| ([^|]*) \|", text, re.MULTILINE)
    return [span for row in rows for span in re.findall(r"`([^`]+)`", row)]


@pytest.mark.slow
def test_every_route_of_ours_is_documented_and_no_other(client: httpx.Client) -> None:
    paths = client.get("/api/openapi.json").json()["paths"]
    real = {f"{method.upper()} {path}" for path, methods in paths.items() for method in methods}
    methods = "GET ", "POST ", "PUT ", "PATCH ", "DELETE "
    told = {span for span in spans_of_first_cells(HTTP) if span.startswith(methods)}
    assert told == real


def test_every_path_of_the_peer_that_is_documented_is_answered() -> None:
    told = [span for span in spans_of_first_cells(HTTP) if span.startswith(("/c/", "/sky/"))]
    assert len(told) == 7
    for path in told:
        call = find_call(path.split("/")[1:])
        assert call is not None and call.path == path


def test_every_status_of_an_error_is_documented() -> None:
    rows = dict(re.findall(r"^\| (\d{3}) \| (.*) \|$", HTTP, re.MULTILINE))
    for code, status in STATUS.items():
        assert f"`{code}`" in rows[str(status)]


def test_every_metric_is_documented_and_no_other(client: httpx.Client, site: Running) -> None:
    client.get(f"/c/{site.eci}/event/echo/later?at=2026-01-01")
    families = {each.name for each in text_string_to_metric_families(client.get("/metrics").text)}
    told = {
        span.partition("{")[0].removesuffix("_total")
        for span in spans_of_first_cells(OPERATIONS)
        if span.startswith("picosched_")
    }
    of_machines = {"picosched_shards", "picosched_machines"}
    assert all(f"`{name}`" in OPERATIONS for name in of_machines)
    assert told == families - of_machines


def test_every_option_of_serve_is_documented() -> None:
    declared = serve.__annotations__
    options = {name.strip("_").replace("_", "-") for name in declared} - {"rulesets", "return"}
    documented = set(re.findall(r"--(?:no-)?([a-z-]+)", OPERATIONS))
    assert options <= documented
