"""The expression language against plain Python that does the same: recursion, collections, strings."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial, reduce

from picosched import Engine
from tests.bench.setup import COUNTER, Setup, asked
from tests.bench.side_by_side import OURS, PEER, Row, seconds, side_by_side


def fib(n: int) -> int:
    return n if n < 2 else fib(n - 1) + fib(n - 2)


def pipeline(n: int) -> int:
    doubled = [x * 2 for x in range(1, n + 1)]
    return reduce(lambda a, b: a + b, [x for x in doubled if x % 3 == 0], 0)


def items(n: int) -> str:
    return ", ".join([f"item {x}: {x * x}" for x in range(1, n + 1)])


TASKS: list[tuple[str, Callable[[int], object], int, int]] = [
    ("fib(20)", fib, 20, 10),
    ("fib(15)", fib, 15, 50),
    ("map, filter, reduce over 1,000", pipeline, 1_000, 50),
    ("1,000 strings made and joined", items, 1_000, 50),
]


def measure(setup: Setup) -> list[Row]:
    rows = []
    with Engine() as engine, setup.peer() as peer:
        root = engine.root
        root.install(COUNTER)
        for what, plain, n, often in TASKS:
            name, args, times = plain.__name__, {"n": n}, setup.times(often)
            assert root.query("counter", name, args) == plain(n)
            ours = partial(root.query, "counter", name, args)
            contenders: dict[str, Callable[[], float] | None] = {
                OURS: partial(in_ms, ours, times),
                "plain Python": partial(in_ms, partial(plain, n), times),
                PEER: asked(peer, "query", 1_000, name=name, args=args, times=times),
            }
            rows.append(side_by_side(what, "ms", contenders, repeats=setup.repeats))
    return rows


def in_ms(work: Callable[[], object], times: int) -> float:
    return seconds(work, times) * 1_000
