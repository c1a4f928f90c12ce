"""Checks input from outside the engine: JSON objects, and the texts of rulesets."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import orjson

from picosched import standard
from picosched.errors import Code, PicoschedError, words
from picosched.krl.source import read_source
from picosched.krl.text import LONE_SURROGATE
from picosched.krl.values import from_json

STRICT = orjson.OPT_PASSTHROUGH_DATACLASS | orjson.OPT_PASSTHROUGH_DATETIME | orjson.OPT_PASSTHROUGH_SUBCLASS

LONGEST_KEY = 255

FETCH_SECONDS = 20.0
FETCH_BYTES = 10_000_000


def json_object(
    value: Mapping[str, Any] | None, what: str, most_bytes: int, *, fresh: bool = False
) -> dict[str, Any]:
    """A deep copy of a JSON object; an empty one for None. One that is `fresh`, just read, is not copied.

    `invalid` if it is not JSON, or has half a character; `too_large` beyond `most_bytes` of JSON text;
    `what` names it in the error.
    """
    if not value and (value is None or isinstance(value, Mapping)):
        return {}
    if not isinstance(value, Mapping):
        raise PicoschedError(f"found {type(value).__name__} as {what}, wanted a JSON object")
    value = value if type(value) is dict else dict(value)
    try:
        text = orjson.dumps(value, option=STRICT)
    except TypeError:
        text = _slowly(value, what)
        _check_whole(value, what)
    size = len(text)
    if size > most_bytes:
        raise PicoschedError(
            f"found {what} of {size:,} bytes, wanted at most {most_bytes:,} (max_attrs_bytes)", "too_large"
        )
    copy: dict[str, Any] = value if fresh else from_json(text)
    return copy


def json_copy(value: Any, what: str) -> Any:
    """A copy of a JSON value, of any size; `invalid` if it is not JSON, `too_large` if it is too deep."""
    return from_json(_slowly(value, what))


def checked_text(value: str, what: str) -> str:
    """`value`, if it is a nonempty text in UTF-8 without NUL; else `invalid`."""
    if not isinstance(value, str):
        raise PicoschedError(f"found {type(value).__name__} as {what}, wanted a text")
    if not value:
        raise PicoschedError(f"found an empty {what}, wanted a text")
    if "\0" in value:
        raise PicoschedError(f"found a NUL character in {what} {value[:40]!r}")
    if not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as cause:
            raise PicoschedError(f"found half a character in {what} {value!r}") from cause
    return value


def checked_name(domain: str, type: str) -> None:
    """`invalid` if these are not the domain and the type of an event."""
    checked_text(domain, "domain of an event")
    if not type and ":" in domain:
        first, _, second = domain.partition(":")
        wanted = f'wanted two texts: "{first}", "{second}"'
        raise PicoschedError(f'found "{domain}" as domain of an event, {wanted}')
    checked_text(type, "type of an event")


def checked_event(
    domain: str,
    type: str,
    attrs: Mapping[str, Any] | None,
    eid: str | None,
    once: str | None,
    most_bytes: int,
    *,
    fresh: bool,
) -> dict[str, Any]:
    """The attributes of an event whose parts are all valid, copied as `json_object` does; its errors.

    `once` is its idempotency key.
    """
    checked_name(domain, type)
    if eid is not None:
        checked_text(eid, "id of an event")
    if once is not None and len(checked_text(once, "key")) > LONGEST_KEY:
        raise PicoschedError(
            f"found a key of {len(once)} characters, wanted at most {LONGEST_KEY}", "too_large"
        )
    return json_object(attrs, "attributes", most_bytes, fresh=fresh)


def ruleset_text(where: str | Path) -> tuple[str, str | None]:
    """The text of a ruleset, and its origin: a path, a file: or http(s): URL; None for plain text."""
    if isinstance(where, Path):
        return read_source(where), str(where)
    if not isinstance(where, str):
        raise PicoschedError(f"found {type(where).__name__}, wanted the path, URL or text of a ruleset")
    scheme = where.partition(":")[0].lower()
    if scheme in ("http", "https"):
        return _fetched(where), where
    if standard.is_standard(where):
        return standard.read(where), where
    if scheme == "file":
        return read_source(Path(unquote(urlsplit(where).path))), where
    if "\n" in where or "{" in where:
        return checked_text(where, "ruleset"), None
    return read_source(Path(where)), where


def _fetched(url: str) -> str:
    from urllib.error import HTTPError
    from urllib.request import urlopen

    try:
        with urlopen(url, timeout=FETCH_SECONDS) as answer:
            content: bytes = answer.read(FETCH_BYTES + 1)
    except HTTPError as cause:
        code: Code = "not_found" if cause.code in (404, 410) else "invalid"
        raise PicoschedError(f"{url}: found the answer {cause.code} {cause.reason}", code) from cause
    except (OSError, ValueError) as cause:
        raise PicoschedError(f"{url}: cannot be fetched: {words(getattr(cause, 'reason', cause))}") from cause
    if len(content) > FETCH_BYTES:
        raise PicoschedError(f"{url}: found more than {FETCH_BYTES:,} bytes", "too_large")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as cause:
        raise PicoschedError(f"{url}: is not UTF-8 text") from cause


def _slowly(value: Any, what: str) -> bytes:
    """JSON text of a value; unlike orjson this accepts large integers and half characters."""
    try:
        _check_json(value, what)
        return json.dumps(value).encode()
    except RecursionError as cause:
        raise PicoschedError(f"found {what} nested too deep, or in themselves", "too_large") from cause
    except ValueError as cause:  # an integer with thousands of digits
        raise PicoschedError(f"found {what} that have no JSON text: {cause}") from cause


def _check_whole(value: Any, what: str) -> None:
    """`invalid` if there is half a character in a JSON value: what shows it later could not write it."""
    if isinstance(value, dict):
        for key, item in value.items():
            _check_whole(key, what)
            _check_whole(item, what)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_whole(item, what)
    elif isinstance(value, str) and (half := LONE_SURROGATE.search(value)):
        raise PicoschedError(f"found half a character in {what}: {value[: half.end()][-40:]!r}")


def _check_json(value: Any, what: str) -> None:
    if isinstance(value, dict):
        for key, item in value.items():
            if not isinstance(key, str):
                raise PicoschedError(f"found the key {key!r} in {what}, wanted a text")
            _check_json(item, what)
    elif isinstance(value, (list, tuple)):
        for item in value:
            _check_json(item, what)
    elif value is not None and not isinstance(value, (str, int, float)):
        raise PicoschedError(f"found {type(value).__name__} in {what}, wanted JSON")
