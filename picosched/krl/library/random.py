"""The `random` module. All randomness comes from the scope, so that a turn can be replayed."""

from __future__ import annotations

import math
import uuid as uuids
from random import Random

from picosched.krl.library.member import function
from picosched.krl.scope import Scope, Value
from picosched.krl.values import number as krl_number
from picosched.krl.values import to_number

SHORT_NOUNS = (
    "acorn amber anchor apple arrow autumn badge bamboo barley basin beacon bell birch blanket blossom "
    "boat bottle branch breeze brick bridge brook bucket butter button cabin candle canyon carpet cedar "
    "cherry circle clay cloud clover coast copper coral cotton cradle creek crystal daisy dawn desert "
    "dew drum dune eagle ember fabric falcon feather fern field finch flame flint flower forest "
    "fountain fox garden ginger glacier grain granite grape grove harbor harvest hazel heron hill honey "
    "horizon island ivory ivy jasmine kettle kite lagoon lake lantern laurel leaf lemon lilac lily "
    "linen lotus maple marble meadow melon mint mirror moon moss mountain nest north oak oasis oat "
    "ocean olive orchard otter owl paper path pearl pebble pepper pine planet plum pond poppy prairie "
    "quartz rain raven reed ribbon river robin rose saffron sail salt sand sapphire seed shadow shell "
    "silver sky slate snow spark spring spruce star stone storm stream summer swan thistle thunder tide "
    "timber tulip valley velvet violet walnut water wave wheat willow wind window winter wood wool"
)
WORDS = SHORT_NOUNS.split()


DRAWN = 160
"""Bytes the turn keeps for each number drawn, to repeat it in a retry."""


def draw(scope: Scope) -> Random:
    """The random generator, charged for one number."""
    scope.budget.charge(4)
    scope.budget.say(DRAWN, for_good=True)
    return scope.random


def bounds(upper: Value, lower: Value) -> tuple[float, float]:
    """The lower and upper bound, in either order; default 0 and 1."""
    a, b = (None if bound is None else to_number(bound) for bound in (lower, upper))
    high = b if b is not None and math.isfinite(b) else 1 if a is None else 0
    low = a if a is not None and math.isfinite(a) else 0
    return min(low, high), max(low, high)


def integer(scope: Scope, upper: Value = None, lower: Value = None) -> Value:
    """An integer between the bounds, inclusive."""
    low, high = bounds(upper, lower)
    return krl_number(draw(scope).randint(math.floor(low + 0.5), math.floor(high + 0.5)))


def number(scope: Scope, upper: Value = None, lower: Value = None) -> Value:
    return krl_number(draw(scope).uniform(*bounds(upper, lower)))


def uuid(scope: Scope) -> Value:
    return str(uuids.UUID(int=draw(scope).getrandbits(128), version=4))


def word(scope: Scope) -> Value:
    return draw(scope).choice(WORDS)


RANDOM = {
    "integer": function(integer),
    "number": function(number),
    "uuid": function(uuid),
    "word": function(word),
}
