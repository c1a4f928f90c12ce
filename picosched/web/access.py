"""Access control: the tokens, the server's host names, and the pages that may write.

The owner's token may do everything; named tokens (`picosched/tokens.py`) what their role says. A token is
long and random, so the store keeps a plain hash of it. It is sent as `Authorization: Bearer …` or, by the
console, as a cookie. A browser sends the cookie with requests from any page, so writes with it
must come from one of our pages (`Origin`). Without a token only programs on this machine can connect: web
pages must be ours as well, and the Host must be one of our names, which prevents DNS rebinding.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterable, Mapping
from functools import partial
from ipaddress import ip_address
from math import inf
from urllib.parse import urlsplit

from picosched.acting import Actor, Role
from picosched.clock import ticks
from picosched.engine.engine import Engine
from picosched.errors import PicoschedError
from picosched.tokens import Token, hash_of
from picosched.web.caller import Caller
from picosched.web.errors import HttpError

COOKIE = "picosched"
META = "web_token"
ENTER = "/enter"
"""The path of the link that logs in once."""
SAFE = ("GET", "HEAD", "OPTIONS")
LINK_SECONDS = 600.0
"""How long the key of a link lets in."""
OURS = ("localhost", "127.0.0.1", "::1")


def new_token(engine: Engine) -> str:
    """Create a token and store its hash; the previous one becomes invalid."""
    token = secrets.token_urlsafe(32)
    engine.write(lambda: engine.store.picos.set_meta(META, hash_of(token)))
    return token


def first_token(engine: Engine) -> str | None:
    """Create a token if there is none; None if there is one."""
    token = secrets.token_urlsafe(32)

    def work() -> bool:
        engine.store.need("")  # so that of two servers that start at once, the first makes it
        if engine.store.picos.meta(META) is not None:
            return False
        engine.store.picos.set_meta(META, hash_of(token))
        return True

    return token if engine.write(work) else None


def kept_hash(engine: Engine) -> str | None:
    """The stored hash of the token, if there is one."""
    return engine.read(lambda: engine.store.picos.meta(META))


def is_loopback(host: str) -> bool:
    """Whether only this machine can connect to `host`."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Access:
    """Decides which requests are allowed, and who sends them.

    `hash` is the owner's token's, as of the last `look`; None requires no token, on loopback only. `named`
    finds a valid named token by its hash.
    """

    def __init__(
        self,
        host: str,
        hash: str | None,
        hosts: Iterable[str] = (),
        named: Callable[[str], Token | None] = lambda hash: None,
    ) -> None:
        self.loopback = is_loopback(host)
        if hash is None and not self.loopback:
            raise PicoschedError(
                f"found the host {host} and no token, wanted a loopback host such as 127.0.0.1"
            )
        self._hash = hash
        self._named = named
        self._link: tuple[str, float] | None = None
        self._entered: str | None = None
        self._left: dict[str, float] = {}
        """The hash of a token → when a browser that had it last logged out."""
        others = frozenset(each.lower() for each in hosts)
        self._hosts = {*OURS, host.lower(), *others} if self.loopback or others else None

    @property
    def is_open(self) -> bool:
        """Whether no token is required."""
        return self._hash is None

    def look(self, engine: Engine) -> None:
        """Know the owner's token that is kept now: another machine may have made a new one.

        Whom the link of this server let in, it let in as the owner of the one before.
        """
        kept = kept_hash(engine)
        if self._hash is not None and kept is not None and kept != self._hash:
            self._hash, self._link, self._entered = kept, None, None

    def check_host(self, headers: Mapping[str, str]) -> None:
        """403 if the Host is not one of our names."""
        if self._hosts is None:
            return
        host = headers.get("host", "")
        if host not in self._hosts and _name_of(host) not in self._hosts:
            raise HttpError(403, f'found the Host "{host[:100]}", wanted a name of this server')

    def check(
        self, headers: Mapping[str, str], method: str, surface: str, token: str | None = None
    ) -> Caller:
        """Who sends a request; 401 without a valid token, 403 for a write from a foreign page.

        `token` is one that the URL has, where that is allowed.
        """
        if self._hash is None:
            self.check_page(headers)
            return nobody(surface)
        bearer = _bearer(headers) if token is None else token
        cookies = _cookies(headers)
        for each in cookies if bearer is None else (bearer, *cookies):
            actor = self.actor_with(each, surface)
            if actor is not None:
                if each != bearer:
                    self._check_embedding(headers)
                    if method not in SAFE:
                        self._check_origin(headers)
                since = inf if each == bearer else ticks()
                return Caller(actor, partial(self._still, hash_of(each), since))
        found = "no token" if bearer is None and not cookies else "a token that is not valid"
        raise HttpError(
            401, f"found {found}, wanted Authorization: Bearer …", [(b"www-authenticate", b"Bearer")]
        )

    def check_page(self, headers: Mapping[str, str]) -> None:
        """403 for a foreign page. Programs send no `Origin`."""
        self._check_embedding(headers)
        if "origin" in headers:
            self._check_origin(headers)

    def knows(self, token: str) -> bool:
        """Whether this is a valid token, or one that `enter` gave."""
        return self.actor_with(token, "") is not None

    def actor_with(self, token: str, surface: str) -> Actor | None:
        """Who has this token; None if it is not valid."""
        return None if self._hash is None else self._actor_of(hash_of(token), surface)

    def _still(self, hash: str, since: float) -> bool:
        """Whether a token is valid, and no browser has logged out with it since then."""
        return self._left.get(hash, -inf) < since and self._actor_of(hash, "") is not None

    def _actor_of(self, hash: str, surface: str) -> Actor | None:
        if self._hash is None:
            return None
        entered = self._entered is not None and hmac.compare_digest(hash, self._entered)
        if hmac.compare_digest(hash, self._hash) or entered:
            return Actor(surface)
        named = self._named(hash)
        return None if named is None else Actor(surface, named.name, named.role)

    def new_link_key(self) -> str:
        """A key for `enter`, for LINK_SECONDS; the one before becomes invalid."""
        key = secrets.token_urlsafe(32)
        self._link = hash_of(key), ticks() + LINK_SECONDS
        return key

    def enter(self, key: str) -> str | None:
        """Exchange the key of a link, once, for a token that is valid until the server stops.

        None for others. The token itself is known only as a hash, so this is another one.
        """
        if self._link is None or not hmac.compare_digest(hash_of(key), self._link[0]):
            return None
        until, self._link = self._link[1], None
        if ticks() > until:
            return None
        token = secrets.token_urlsafe(32)
        self._entered = hash_of(token)
        return token

    def leave(self, headers: Mapping[str, str]) -> None:
        """Log a browser out: what its pages have open ends, and what `enter` began, if its cookie is of that.

        Other browsers that have the same token are cut off as well; it is still valid, so they go on at once.
        """
        hashes = {hash_of(each) for each in _cookies(headers)}
        known = {each for each in (*self._left, *hashes) if self._actor_of(each, "") is not None}
        self._left = {each: ticks() if each in hashes else self._left[each] for each in known}
        if self._entered is not None and any(hmac.compare_digest(each, self._entered) for each in hashes):
            self._entered = None

    def own(self, headers: Mapping[str, str]) -> Mapping[str, str]:
        """The headers without our token, which must not reach rules or the journal."""
        bearer, cookie = _bearer(headers), headers.get("cookie", "")
        if bearer is not None and self.knows(bearer):
            headers = {name: value for name, value in headers.items() if name != "authorization"}
        if COOKIE in cookie:
            kept = [each for each in cookie.split(";") if each.partition("=")[0].strip() != COOKIE]
            headers = {**headers, "cookie": ";".join(kept).strip()}
        return headers

    def foreign(self, headers: Mapping[str, str]) -> bool:
        """Whether a page of another server sent the request."""
        return "origin" in headers and not self._is_own(headers)

    def _check_embedding(self, headers: Mapping[str, str]) -> None:
        """403 if a foreign page loads us as if we were its picture or script. It may link to us.

        Such a GET has no `Origin`; it would not be told the answer, but have us work for it.
        """
        site, mode = headers.get("sec-fetch-site", "none"), headers.get("sec-fetch-mode", "navigate")
        if site not in ("none", "same-origin") and mode != "navigate":
            raise HttpError(403, "found a request from another page, wanted one of this server's")

    def _is_own(self, headers: Mapping[str, str]) -> bool:
        origin = headers.get("origin", "")
        return bool(origin) and urlsplit(origin).netloc.lower() == headers.get("host", "").lower()

    def _check_origin(self, headers: Mapping[str, str]) -> None:
        if not self._is_own(headers):
            origin = headers.get("origin", "")
            raise HttpError(403, f'found the Origin "{origin[:100]}", wanted a page of this server')


def nobody(surface: str, role: Role = Role.AUTHOR) -> Caller:
    """Somebody who needs no token."""
    return Caller(Actor(surface, role=role), lambda: True)


def _name_of(host: str) -> str:
    """The host without its port, in lower case."""
    if host.startswith("["):
        return host[1:].partition("]")[0].lower()
    return host.partition(":")[0].lower()


def _bearer(headers: Mapping[str, str]) -> str | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else None


def _cookies(headers: Mapping[str, str]) -> list[str]:
    """The values of our cookie. A page on another port of this host may have set one of the same name.

    Browsers split cookies at each semicolon, even inside quotation marks.
    """
    text = headers.get("cookie", "")
    if COOKIE not in text:
        return []
    pairs = (each.partition("=") for each in text.split(";"))
    return [value.strip() for name, _, value in pairs if name.strip() == COOKIE]
