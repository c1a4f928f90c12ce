"""Operators on numbers: characters, ranges, bits."""

from __future__ import annotations

import math
import operator
from collections.abc import Callable

from picosched.errors import KrlError
from picosched.krl.library.member import Operator
from picosched.krl.scope import Value
from picosched.krl.size import check_array, claim_array, claim_bytes
from picosched.krl.values import MISSING, described, number, shown, to_number


def chr_(val: Value = None) -> Value:
    """The character with that code; null if there is none."""
    code = to_number(val)
    if code is None or not 0 <= code <= 0x10FFFF:
        return None
    character = chr(int(code))
    return "\ufffd" if "\ud800" <= character <= "\udfff" else character


def range_(val: Value = None, end: Value = MISSING) -> list[Value]:
    """The numbers from one to the other, inclusive, up or down in steps of 1."""
    start, stop = to_number(val), None if end is MISSING else to_number(end)
    if start is None or stop is None:
        return []
    distance = abs(stop - start)
    check_array(distance + 1 if distance == distance else math.inf)  # from infinity to infinity
    length = math.floor(distance) + 1
    claim_array(length, length >> (3 if type(start) is int else 1))
    claim_bytes(32 * length)
    step = 1 if start < stop else -1
    if type(start) is int:
        return list(range(start, start + step * length, step))
    return [number(start + step * i) for i in range(length)]


def int32(val: Value) -> int:
    """The lowest 32 bits of a number, signed."""
    n = to_number(val)
    if n is None:
        raise KrlError(f"bitwise operators need Numbers; found {described(val)}: {shown(val)}")
    bits = int(n) & 0xFFFFFFFF if math.isfinite(n) else 0
    return bits - (1 << 32) if bits >= 1 << 31 else bits


def bitwise(combine: Callable[[int, int], int]) -> Operator:
    def run(left: Value = None, right: Value = None) -> int:
        return int32(combine(int32(left), int32(right)))

    return Operator(run)


def bnot(val: Value = None) -> int:
    return ~int32(val)


OPERATORS = {
    "band": bitwise(operator.and_),
    "bnot": Operator(bnot),
    "bor": bitwise(operator.or_),
    "bxor": bitwise(operator.xor),
    "chr": Operator(chr_),
    "range": Operator(range_),
    "shiftLeft": bitwise(lambda a, b: a << (b & 31)),
    "shiftRight": bitwise(lambda a, b: a >> (b & 31)),
}
