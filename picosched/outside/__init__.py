"""Safe outgoing HTTP requests for rules.

`Outside(settings).fetch(request)` makes one call: within seconds, with bounds on what is sent and received,
over at most five redirects, and to addresses of the public internet only. `http_allow` names others for the
calls of rules, `install_from` for reading rulesets; neither setting opens what the other is for.
It knows no proxies, passwords or cookies but those of the request. A failure is an answer with status 0 and
the reason, so rules handle unreachable hosts like refusing ones.
"""

from __future__ import annotations

import base64
import logging
import socket
import zlib
from collections.abc import Iterable
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING
from urllib.parse import quote, urljoin, urlsplit

from picosched.errors import PicoschedError, words
from picosched.krl.requests import HttpRequest, HttpResponse
from picosched.krl.urls import PORTS, origin, without_user
from picosched.outside.addresses import Addresses
from picosched.outside.mail import METHOD, send_mail
from picosched.schedule.alert import MAIL
from picosched.settings import Settings

if TYPE_CHECKING:
    import ssl

    import httpcore

    from picosched.outside.network import Network

log = logging.getLogger(__name__)

SECONDS = 10.0
MOST_BYTES = 5_000_000
MOST_REDIRECTS = 5

PLAIN = "!$&'()*+,/:;=?@[]~%"
"""Characters kept unescaped in the path and query of a URL."""
ZIPPED = ("gzip", "x-gzip", "deflate")
EITHER_ZIP = zlib.MAX_WBITS | 32
REDIRECTS = (301, 302, 303, 307, 308)
SECRET = ("authorization", "cookie")
"""Headers not forwarded to another host on a redirect."""


class Outside:
    """Makes HTTP calls for rules; thread-safe."""

    def __init__(self, settings: Settings, *, seconds: float = SECONDS, most_bytes: int = MOST_BYTES) -> None:
        """`seconds` are those of a call with its redirects; `most_bytes` bound request and answer each."""
        hosts = [each.partition("://")[2] for each in settings.install_from if "://" in each]
        self._addresses = Addresses(settings.http_allow)
        self._smtp = settings.smtp
        self._of_rulesets = Addresses(hosts, "the setting install_from")
        self._seconds = seconds
        self._most_bytes = most_bytes

    @cached_property
    def tls(self) -> ssl.SSLContext:
        import httpcore

        return httpcore.default_ssl_context()

    def fetch(self, request: HttpRequest) -> HttpResponse:
        """The answer to a request; status 0 with the reason if it fails."""
        if request.method == METHOD:
            subject, to = header(request.headers, "subject"), request.url.removeprefix(MAIL)
            return send_mail(self._smtp, to, subject, request.body.decode())
        import httpcore  # takes longer to import than most engines need to start

        try:
            return self._answer(request)
        except PicoschedError as refused:
            log.warning("an HTTP call was refused: %s", refused)
            return HttpResponse(0, f"refused: {refused}")
        except (TimeoutError, httpcore.TimeoutException):
            return HttpResponse(0, f"no answer within {self._seconds:g} seconds")
        except socket.gaierror:
            return HttpResponse(0, "there is no such host")
        except (OSError, httpcore.NetworkError, httpcore.ProtocolError, ValueError, zlib.error) as fault:
            return HttpResponse(0, f"no answer: {words(fault)}")

    def _answer(self, request: HttpRequest) -> HttpResponse:
        from picosched.outside.network import Network, Remaining

        addresses = self._of_rulesets if request.installs else self._addresses
        seconds = self._seconds if request.seconds is None else min(self._seconds, request.seconds)
        network = Network(addresses, Remaining(seconds))
        for _ in range(MOST_REDIRECTS + 1):
            answer = self._asked(network, request)
            if isinstance(answer, HttpResponse):
                return answer
            request = answer
        return HttpResponse(0, f"more than {MOST_REDIRECTS} redirects")

    def _asked(self, network: Network, request: HttpRequest) -> HttpResponse | HttpRequest:
        """The answer, or the request that it redirects to."""
        import httpcore

        url, headers = line_of(request)
        head = len(url.target) + sum(len(name) + len(text) for name, text in headers)
        if head + len(request.body) > self._most_bytes:
            return HttpResponse(0, f"the request has more than {self._most_bytes} bytes")
        tls = self.tls if url.scheme == b"https" else None
        content = request.body if request.body or request.method in ("POST", "PUT", "PATCH") else None
        with (
            httpcore.HTTPConnection(url.origin, ssl_context=tls, network_backend=network) as connection,
            connection.stream(request.method, url, headers=headers, content=content) as response,
        ):
            found = [(name.decode("latin-1"), text.decode("latin-1")) for name, text in response.headers]
            location = header(found, "location")
            if request.redirects and location and response.status in REDIRECTS:
                return redirected(request, response.status, location)
            zipped = header(found, "content-encoding").lower() in ZIPPED
            body = self._body(response.iter_stream(), zipped)
            if body is None:
                return HttpResponse(0, f"the answer has more than {self._most_bytes} bytes")
            if zipped and body:  # these describe the compressed content
                found = [
                    each for each in found if each[0].lower() not in ("content-encoding", "content-length")
                ]
            reason = response.extensions.get("reason_phrase", b"").decode("latin-1")
            return HttpResponse(response.status, reason, tuple(found), body)

    def _body(self, chunks: Iterable[bytes], zipped: bool) -> bytes | None:
        """The bytes of an answer; None, without reading further, if there are too many."""
        body, size = bytearray(), 0
        unzip = zlib.decompressobj(EITHER_ZIP)
        for chunk in chunks:
            size += len(chunk)
            body += unzip.decompress(chunk, self._most_bytes + 1 - len(body)) if zipped else chunk
            if max(size, len(body)) > self._most_bytes:
                return None
        if zipped and size and not unzip.eof:
            raise ValueError("its compressed content has no end")
        return bytes(body)


def line_of(request: HttpRequest) -> tuple[httpcore.URL, list[tuple[bytes, bytes]]]:
    """The parsed URL, and the headers including the default ones."""
    import httpcore

    scheme, host, port = origin(request.url)
    parts = urlsplit(request.url)
    target = quote(parts.path or "/", PLAIN) + (f"?{quote(parts.query, PLAIN)}" if parts.query else "")
    named = f"[{host}]" if ":" in host else host
    headers = {
        "host": named if port == PORTS[scheme] else f"{named}:{port}",
        "connection": "close",
        "user-agent": "picosched",
        "accept": "*/*",
        "accept-encoding": "gzip, deflate",
        **{name.lower(): text for name, text in request.headers},
    }
    if request.auth is not None:
        headers["authorization"] = f"Basic {base64.b64encode(':'.join(request.auth).encode()).decode()}"
    return (
        httpcore.URL(scheme=scheme, host=host, port=port, target=target),
        [(name.encode("ascii"), text.encode()) for name, text in headers.items()],
    )


def redirected(request: HttpRequest, status: int, location: str) -> HttpRequest:
    """The request after a redirect, as in browsers: a POST becomes a GET, secrets are not forwarded."""
    url, user = without_user(urljoin(request.url, location))
    headers = request.headers
    to_get = status == 303 and request.method != "HEAD"
    if to_get or (status in (301, 302) and request.method == "POST"):
        headers = tuple(each for each in headers if not each[0].lower().startswith("content-"))
        request = replace(request, method="GET", body=b"")
    if origin(url) != origin(request.url):
        headers = tuple(each for each in headers if each[0].lower() not in SECRET)
        request = replace(request, auth=None)
    return replace(request, url=url, headers=headers, auth=user or request.auth)


def header(headers: Iterable[tuple[str, str]], wanted: str) -> str:
    return next((text for name, text in headers if name.lower() == wanted), "")
