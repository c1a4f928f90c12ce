"""The `http` module: HTTP requests, and their answers as KRL values.

Nothing is sent here. Arguments become an `HttpRequest`, the effects give an `HttpResponse` for it, and that
becomes a map; so a request is the same each time its turn is evaluated. A failed request is not an error of
the rule: its `status_code` is 0 and its `status_line` gives the reason.

A user name and a password in a URL are sent as Basic authentication; the request's URL is without them, so
that no error, log or record shows them. `auth` and a header `authorization` win over them.

Of `body`, `json` and `form` the first that is given is sent. The classic engine's `params` are the query of
`get`, `head` and `delete`, and of the others the form, or the body if a header says it is not a form; its
`credentials` are `auth`, and its `response_headers` name headers that stand in the answer itself.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

from picosched.errors import KrlError
from picosched.krl.library.encoding import decode
from picosched.krl.library.event import destination
from picosched.krl.library.member import Member, action, both
from picosched.krl.library.uri import escaped
from picosched.krl.requests import HttpRequest, HttpResponse
from picosched.krl.scope import Scope, Value
from picosched.krl.size import charge, check_text, claim_map, claim_text, code, scan
from picosched.krl.urls import without_user
from picosched.krl.values import described, json_text, json_value, shown, to_string, truth

TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
ABSOLUTE = re.compile(r"https?://[^/?#]", re.IGNORECASE)
OF_THE_ENGINE = frozenset(
    "connection content-length expect host keep-alive proxy-authorization proxy-connection te trailer "
    "transfer-encoding upgrade".split()
)
"""Headers set by the transport, which rules may not set."""

WESTERN = re.compile(r"charset\s*=\s*[\"']?(?:iso-8859-1|latin-?1|us-ascii|windows-1252)\b", re.IGNORECASE)
"""Of a content type: all that is not UTF-8 and still in use; on the web these four are one."""


def method(name: str) -> Callable[..., Value]:
    """What runs for `http:name`. The order of its parameters is the one of the Node engine."""
    asked = f"http:{name}"
    sends_body = name in ("post", "put", "patch")

    def run(
        scope: Scope,
        /,
        url: Value = None,
        qs: Value = None,
        headers: Value = None,
        body: Value = None,
        auth: Value = None,
        json: Value = None,
        form: Value = None,
        parseJSON: Value = None,
        autoraise: Value = None,
        autosend: Value = None,
        dontFollowRedirect: Value = None,
        params: Value = None,
        credentials: Value = None,
        response_headers: Value = None,
        **others: Value,
    ) -> Value:
        if others:
            takes = ", ".join(HTTP[name].parameters)
            raise KrlError(f"{asked} takes no {next(iter(others))}; it takes {takes}")
        sent = headers_of(asked, headers)
        if params is not None:
            kind = sent.get("content-type", "urlencoded")
            if not sends_body:
                qs = params
            elif "urlencoded" in kind:
                form = params
            else:
                body = params
        content, kind = body_of(asked, body, json, form)
        if kind:
            sent.setdefault("content-type", kind)
        whole, of_url = address(asked, url, qs)
        given = auth_of(asked, credentials if auth is None else auth)
        if given is None and "authorization" not in sent:
            given = of_url
        request = HttpRequest(
            name.upper(),
            whole,
            tuple(sent.items()),
            content,
            given,
            not truth(dontFollowRedirect),
        )
        target = None if autosend is None else destination(f"the autosend of {asked}", autosend)
        answer = answer_of(scope.effects.http(request), truth(parseJSON))
        for header in response_headers if isinstance(response_headers, list) else ():
            answer.setdefault(to_string(header).lower(), answer["headers"].get(to_string(header).lower()))
        if truth(autoraise):
            scope.effects.raise_event("http", name, {**answer, "label": to_string(autoraise)})
        if target is None:
            return answer
        eci, domain, type, attrs = target
        scope.effects.agenda.send(eci, domain, type, {**attrs, **answer})
        return None  # the answer goes there and nowhere else

    return run


# ---- the request --------------------------------------------------------------------------------------


def wrong(asked: str, found: Value, wanted: str) -> KrlError:
    return KrlError(f"{asked} was given {described(found)} instead of {wanted}: {shown(found)}")


def address(asked: str, url: Value, qs: Value) -> tuple[str, tuple[str, str] | None]:
    """The URL with `qs` added to its query, without its fragment; and the user name and password in it."""
    if url is None or url == "":
        raise KrlError(f"{asked} needs a url string")
    if not isinstance(url, str):
        raise wrong(asked, url, "a url string")
    scan(len(url))
    claim_text(len(url))
    whole, user = without_user(url.strip().partition("#")[0])
    if not ABSOLUTE.match(whole):
        found = shown(without_user(url)[0])
        raise KrlError(f"{asked} needs a URL that begins with http:// or https://; found {found}")
    query = "" if qs is None else fields(asked, qs, "a map as qs")
    if query:
        whole += f"{'&' if '?' in whole else '?'}{query}"
    claim_text(len(whole))
    return whole, user


def fields(asked: str, value: Value, wanted: str) -> str:
    """A map as the text of a query or a form: `a=1&b[c]=2&d[0]=3`, with all signs escaped."""
    if not isinstance(value, dict):
        raise wrong(asked, value, wanted)
    pairs: list[str] = []
    size = 0
    for key, item in json_value(value).items():
        for name, text in leaves(key, item):
            charge(8)
            pairs.append(f"{escaped(name, '')}={escaped(text, '')}")
            size += 1 + len(pairs[-1])
            check_text(size)  # a long name is written once for all that is in it
    claim_text(size, plain=True)
    return "&".join(pairs)


def leaves(name: str, value: Value) -> Iterator[tuple[str, str]]:
    """What is within a value and no collection or null itself, each with the name of its place."""
    if isinstance(value, dict | list):
        for key, item in value.items() if isinstance(value, dict) else enumerate(value):
            claim_text(len(name) + len(str(key)))
            yield from leaves(f"{name}[{key}]", item)
    elif value is not None:
        yield name, to_string(value)


def headers_of(asked: str, headers: Value) -> dict[str, str]:
    """The headers of a map, their names in lower case."""
    if headers is None:
        return {}
    if not isinstance(headers, dict):
        raise wrong(asked, headers, "a map of headers")
    claim_map(len(headers), 8 * len(headers))
    made: dict[str, str] = {}
    for name, value in headers.items():
        text = to_string(value)
        scan(4 * (len(name) + len(text)))
        claim_text(len(text))
        text = text.strip()
        if isinstance(value, dict | list) or not TOKEN.fullmatch(name) or not text.isprintable():
            raise KrlError(f"{asked} cannot send the header {shown(name)}: {shown(value)}")
        if name.lower() in OF_THE_ENGINE:
            raise KrlError(f"{asked} was given the header {name}, which the engine sets by itself")
        if value is not None:
            made[name.lower()] = text
    return made


def body_of(asked: str, body: Value, json: Value, form: Value) -> tuple[bytes, str]:
    """The body and its content type. A map or an array is sent as JSON."""
    if isinstance(body, dict | list):
        body, json = None, body
    if body is not None and body != "":
        return octets(to_string(body)), "text/plain;charset=UTF-8"
    if json is not None:
        return octets(json_text(json)), "application/json"
    if isinstance(form, str):  # classic params that are written out already
        return octets(form), "application/x-www-form-urlencoded"
    if form is not None:
        return octets(fields(asked, form, "a map as form")), "application/x-www-form-urlencoded"
    return b"", ""


def octets(text: str) -> bytes:
    claim_text(len(text), text.isascii())
    return text.encode("utf-8", "replace")


def auth_of(asked: str, auth: Value) -> tuple[str, str] | None:
    if auth is None:
        return None
    if not isinstance(auth, dict):
        raise wrong(asked, auth, 'a map {"username", "password"} as auth')
    username, password = auth.get("username"), auth.get("password")
    if not isinstance(username, str):
        raise wrong(asked, username, "a username string in auth")
    if password is not None and not isinstance(password, str):
        raise wrong(asked, password, "a password string in auth")
    return username, password or ""


# ---- the answer ---------------------------------------------------------------------------------------


def answer_of(response: HttpResponse, parse: bool) -> dict[str, Value]:
    headers: dict[str, str] = {}
    for name, text in response.headers:
        name = name.lower()
        headers[name] = f"{headers[name]}, {text}" if name in headers else text
    content_type = headers.get("content-type")
    length = headers.get("content-length", "")
    code(len(response.body))
    claim_text(len(response.body))
    content = text_of(response.body, content_type or "")
    return {
        "content": decode(content) if parse else content,
        "content_type": content_type,
        "content_length": int(length) if re.fullmatch("[0-9]{1,15}", length) else len(response.body),
        "headers": headers,
        "status_code": response.status,
        "status_line": response.reason,
    }


def text_of(body: bytes, content_type: str) -> str:
    encoding = "cp1252" if WESTERN.search(content_type) else "utf-8-sig"
    return body.decode(encoding, "replace")


HTTP: dict[str, Member] = {
    "delete": action(method("delete")),
    "get": both(method("get")),
    "head": both(method("head")),
    "patch": action(method("patch")),
    "post": action(method("post")),
    "put": action(method("put")),
}
