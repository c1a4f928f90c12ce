"""What is shown of a URL."""

from __future__ import annotations

import pytest

from picosched.krl.urls import shown_host


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://hooks.example/services/T0/SECRET", "https://hooks.example/…"),
        ("https://ada:SECRET@hooks.example:8443/a", "https://hooks.example:8443/…"),
        ("https://hooks.example?key=SECRET", "https://hooks.example/…"),
        ("https://hooks.example#SECRET", "https://hooks.example/…"),
        ("https://[::1]:80/SECRET", "https://[::1]:80/…"),
        ("https://hooks.example\\SECRET", "https://hooks.example/…"),
        ("https://hooks.example/", "https://hooks.example/"),
        ("https://hooks.example", "https://hooks.example"),
        ("https://hooks.example/…", "https://hooks.example/…"),
        ("hooks.example?SECRET", "hooks.example?…"),
    ],
)
def test_of_a_hook_only_its_host_is_shown(url: str, shown: str) -> None:
    assert shown_host(url) == shown
