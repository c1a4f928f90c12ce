"""The world outside, asked by HTTP."""

from __future__ import annotations

from picosched.krl.scope import HttpRequest, HttpResponse
from picosched.settings import Settings


class Outside:
    """Asks the world outside."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    def fetch(self, request: HttpRequest) -> HttpResponse:
        return HttpResponse(0, "not there yet")
