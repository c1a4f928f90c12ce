"""The `math` module: rounding, roots and angles, digests and base64.

Non-numbers and undefined results give null. Digests are of the UTF-8 of the text.
"""

from __future__ import annotations

import base64 as base64_codes
import hashlib
import hmac as hmac_digests
import math
import re
from collections.abc import Callable
from decimal import ROUND_CEILING, ROUND_FLOOR, ROUND_HALF_DOWN, ROUND_HALF_UP, Decimal
from typing import Any

from picosched.errors import KrlError
from picosched.krl.library.member import Member, function, value
from picosched.krl.library.random import draw
from picosched.krl.scope import Scope, Value
from picosched.krl.size import charge, claim_text, code, scan
from picosched.krl.values import described, number, shown, to_number, to_string

# Those of a variable length have no digest without one.
ALGORITHMS = sorted(name for name in hashlib.algorithms_guaranteed if not name.startswith("shake"))
MOST_PLACES = 300
NO_BASE64 = re.compile("[^A-Za-z0-9+/]")


def utf8(text: str) -> bytes:
    claim_text(len(text), text.isascii())
    return text.encode("utf-8", "replace")


def to_digest(text: str) -> bytes:
    """The bytes of the text, charged for a digest of them."""
    charge(4)
    octets = utf8(text)
    scan(2 * len(octets))
    return octets


def of_number(calculate: Callable[[Any], float]) -> Member:
    """A function of one number."""

    def run(scope: Scope, number: Value = None) -> Value:
        return calculated(calculate, number)

    return function(run)


def calculated(calculate: Callable[..., float], *operands: Value) -> Value:
    values = [to_number(operand) for operand in operands]
    if None in values:
        return None
    charge(1)
    try:
        return number(calculate(*values))
    except OverflowError:
        return math.inf
    except (ValueError, ZeroDivisionError, TypeError):  # TypeError: a power that is complex
        return None


def rounding(mode: Callable[[Decimal], str]) -> Member:
    """A function of a number and its precision."""

    def run(scope: Scope, number: Value = None, precision: Value = None) -> Value:
        return calculated(lambda n, places: rounded(n, places, mode), number, precision)

    return function(run)


def rounded(n: float, places: float, mode: Callable[[Decimal], str]) -> float:
    if not math.isfinite(n):
        return n
    charge(6)
    # The shortest text of the number is what its writer meant: 1.005 to two places is 1.01.
    exact = Decimal(repr(n))
    kept = Decimal(1).scaleb(-int(max(-MOST_PLACES, min(MOST_PLACES, places))))
    return float((exact / kept).to_integral_value(mode(exact)) * kept)


def power(scope: Scope, base: Value = None, exponent: Value = None) -> Value:
    return calculated(lambda x, y: math.pow(x, y), base, exponent)


def atan2(scope: Scope, y: Value = None, x: Value = None) -> Value:
    return calculated(math.atan2, y, x)


def random(scope: Scope, n: Value = None) -> Value:
    """An integer from 0 to below n."""
    upper = to_number(n)
    if upper is None or not math.isfinite(upper) or upper < 1:
        return 0
    return draw(scope).randrange(math.ceil(upper))


def checked(asked: str, algorithm: Value, encoding: Value) -> str:
    """The encoding, after checking that it and the algorithm are known."""
    if not isinstance(algorithm, str):
        raise KrlError(
            f"{asked} was given {described(algorithm)} instead of an algorithm: {shown(algorithm)}"
        )
    scan(len(algorithm))
    if algorithm.lower() not in ALGORITHMS:
        raise KrlError(
            f"{asked} does not know the algorithm {shown(algorithm)}; it knows {', '.join(ALGORITHMS)}"
        )
    if encoding not in (None, "", "hex", "base64"):
        raise KrlError(f'{asked} encodes as "hex" or "base64"; found {shown(encoding)}')
    return encoding or "hex"


def encoded(digest: bytes, encoding: str) -> str:
    return digest.hex() if encoding == "hex" else base64_codes.b64encode(digest).decode()


def hash_(scope: Scope, algorithm: Value = None, str: Value = None, encoding: Value = None) -> Value:
    form = checked("math:hash", algorithm, encoding)
    return encoded(hashlib.new(algorithm.lower(), to_digest(to_string(str))).digest(), form)


def hmac(
    scope: Scope,
    algorithm: Value = None,
    key: Value = None,
    message: Value = None,
    encoding: Value = None,
) -> Value:
    if not isinstance(key, str):
        raise KrlError(f"math:hmac needs a key string; found {described(key)}: {shown(key)}")
    form = checked("math:hmac", algorithm, encoding)
    octets, text = to_digest(key), to_digest(to_string(message))
    return encoded(hmac_digests.digest(octets, text, algorithm.lower()), form)


def digest_of(algorithm: str) -> Member:
    def run(scope: Scope, str: Value = None) -> Value:
        return hash_(scope, algorithm, str)

    return function(run)


def keyed_digest_of(algorithm: str, encoding: str) -> Member:
    """The classic engine's order: the message, then the key."""

    def run(scope: Scope, message: Value = None, key: Value = None) -> Value:
        return hmac(scope, algorithm, to_string(key), message, encoding)

    return function(run)


def base64encode(scope: Scope, str: Value = None) -> Value:
    octets = utf8(to_string(str))
    scan(2 * len(octets))
    claim_text(len(octets) * 4 // 3, plain=True)
    return base64_codes.b64encode(octets).decode()


def base64decode(scope: Scope, str: Value = None) -> Value:
    """The text of the bytes. Invalid characters are ignored; the URL-safe alphabet is accepted too."""
    text = to_string(str)
    code(2 * len(text))
    claim_text(len(text))
    signs = NO_BASE64.sub("", text.replace("-", "+").replace("_", "/"))
    whole = signs[: len(signs) - (len(signs) % 4 == 1)]
    return base64_codes.b64decode(whole + "=" * (-len(whole) % 4)).decode("utf-8", "replace")


def hash_algorithms(scope: Scope) -> Value:
    return list(ALGORITHMS)


def half_up(exact: Decimal) -> str:
    return ROUND_HALF_UP if exact > 0 else ROUND_HALF_DOWN


MATH = {
    "abs": of_number(abs),
    "acos": of_number(math.acos),
    "asin": of_number(math.asin),
    "atan": of_number(math.atan),
    "atan2": function(atan2),
    "base64decode": function(base64decode),
    "base64encode": function(base64encode),
    "ceiling": rounding(lambda exact: ROUND_CEILING),
    "cos": of_number(math.cos),
    "cosh": of_number(math.cosh),
    "deg2rad": of_number(math.radians),
    "exp": of_number(math.exp),
    "floor": rounding(lambda exact: ROUND_FLOOR),
    "hash": function(hash_),
    "hashAlgorithms": value(hash_algorithms),
    "hashFunctions": function(hash_algorithms),
    "hmac": function(hmac),
    "hmac_sha1": keyed_digest_of("sha1", "hex"),
    "hmac_sha1_base64": keyed_digest_of("sha1", "base64"),
    "hmac_sha1_hex": keyed_digest_of("sha1", "hex"),
    "hmac_sha256": keyed_digest_of("sha256", "hex"),
    "hmac_sha256_base64": keyed_digest_of("sha256", "base64"),
    "hmac_sha256_hex": keyed_digest_of("sha256", "hex"),
    "int": of_number(lambda n: n if math.isinf(n) else math.trunc(n)),
    "log": of_number(math.log),
    "md5": digest_of("md5"),
    "pi": value(lambda scope: math.pi),
    "power": function(power),
    "rad2deg": of_number(math.degrees),
    "random": function(random),
    "round": rounding(half_up),
    "sha1": digest_of("sha1"),
    "sin": of_number(math.sin),
    "sinh": of_number(math.sinh),
    "sqrt": of_number(math.sqrt),
    "tan": of_number(math.tan),
    "tanh": of_number(math.tanh),
}
