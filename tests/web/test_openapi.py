"""The OpenAPI document, tried by schemathesis: whatever it allows is answered as it says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import response_schema_conformance, status_code_conformance
from web.running import Running, running

CHECKS = [not_a_server_error, status_code_conformance, response_schema_conformance]
STREAM = "/api/journal/live"
EXAMPLES = 12


@pytest.mark.slow
def test_every_route_answers_as_the_document_says(tmp_path: Path) -> None:
    tried = []
    with running(tmp_path, token=True) as site:
        headers = {"authorization": f"Bearer {site.token}"}
        schema = schemathesis.openapi.from_url(f"{site.url}/api/openapi.json", headers=headers)
        # Held, the scheduler makes the server not ready, which is what it then says.
        tame = schema.exclude(path=STREAM).exclude(path="/api/scheduler", method="PUT")
        for found in tame.get_all_operations():
            operation = found.ok()

            @settings(
                max_examples=EXAMPLES,
                deadline=None,
                database=None,
                derandomize=True,
                suppress_health_check=[*HealthCheck],
            )
            @given(case=operation.as_strategy())
            def answers(case: Any) -> None:
                case.call_and_validate(checks=CHECKS, headers=headers, timeout=30)

            answers()
            tried.append(operation.label)
        assert site.client().get("/ready").status_code == 200
    assert len(tried) > 25


@pytest.mark.slow
def test_the_document_asks_for_the_token_and_knows_no_422(site: Running, client: httpx.Client) -> None:
    document = client.get("/api/openapi.json").json()
    assert document["security"] == [{"token": []}, {"console": []}]
    assert STREAM in document["paths"]
    answers = [each["responses"] for path in document["paths"].values() for each in path.values()]
    assert not any("422" in each for each in answers)
    assert all("400" in each and "401" in each for each in answers)
