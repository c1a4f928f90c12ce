"""A layered layout of a directed graph: where each node stands, and the way of each edge.

Edges lead from left to right; those that close a cycle lead back. A node stands in the column behind the
last of those that lead to it, and an edge that passes columns has a place in each. Within the columns the
places are ordered so that few edges cross (each at the mean of its neighbours, in sweeps), then moved as near
to the height of their neighbours as the order allows. Parts that are not connected stand side by side.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

SWEEPS = 12
BETWEEN = 18.0
"""Between two places of a column."""
THIN = 12.0
"""The height of a place that an edge passes."""
PORT = 14.0
"""Between two edges at one side of a node, at most."""
APART = 36.0
"""Between two parts that are not connected."""


class Point(NamedTuple):
    x: float
    y: float


class Size(NamedTuple):
    width: float
    height: float


class Layout(NamedTuple):
    """Centres and sizes of the nodes, which may have grown for their edges; points of the edges from their
    start to their end; and the size of the whole."""

    places: list[Point]
    sizes: list[Size]
    ways: list[list[Point]]
    size: Size


def layered(sizes: Sequence[Size], edges: Sequence[tuple[int, int]], between: float, wide: float) -> Layout:
    """The layout of nodes of these sizes. `between` is left between columns; parts stand side by side up
    to a width of `wide`."""
    places, grown, ways = [Point(0, 0)] * len(sizes), [*sizes], [list[Point]()] * len(edges)
    x = y = tallest = widest = 0.0
    for nodes, among in _parts(len(sizes), edges):
        part = _Part(nodes, [(number, *edges[number]) for number in among], sizes, between)
        if x and x + part.width > wide:
            x, y, tallest = 0.0, y + tallest + APART, 0.0
        for node, place, size in part.places():
            places[node], grown[node] = Point(place.x + x, place.y + y), size
        for number, points in part.ways():
            ways[number] = [Point(each.x + x, each.y + y) for each in points]
        widest, tallest = max(widest, x + part.width), max(tallest, part.height)
        x += part.width + APART
    return Layout(places, grown, ways, Size(widest, y + tallest))


def _parts(count: int, edges: Sequence[tuple[int, int]]) -> Iterator[tuple[list[int], list[int]]]:
    """The connected parts, each with its nodes and the numbers of its edges."""
    near: dict[int, list[int]] = defaultdict(list)
    for start, end in edges:
        near[start].append(end)
        near[end].append(start)
    part: dict[int, int] = {}
    for first in range(count):
        waiting = [first]
        while waiting:
            node = waiting.pop()
            if node not in part:
                part[node] = first
                waiting += near[node]
    nodes: dict[int, list[int]] = defaultdict(list)
    among: dict[int, list[int]] = defaultdict(list)
    for node in range(count):
        nodes[part[node]].append(node)
    for number, (start, _) in enumerate(edges):
        among[part[start]].append(number)
    for first, each in nodes.items():
        yield each, among[first]


class _Part:
    """A connected part. A place is a node, or one that an edge passes: these have numbers below 0."""

    def __init__(
        self,
        nodes: Sequence[int],
        edges: Sequence[tuple[int, int, int]],
        sizes: Sequence[Size],
        between: float,
    ) -> None:
        self._sizes = {node: sizes[node] for node in nodes}
        self._edges = edges
        back = _closing(nodes, edges)
        self._ahead = {
            number: (end, start) if number in back else (start, end) for number, start, end in edges
        }
        self._column = _columns(nodes, [*self._ahead.values()])
        self._chains = self._passing()
        self._back = back
        near: dict[bool, dict[int, list[int]]] = {True: defaultdict(list), False: defaultdict(list)}
        for chain in self._chains.values():
            for left, right in pairwise(chain):
                near[True][right].append(left)
                near[False][left].append(right)
        self._near = near
        self._grow()
        self._columns = self._ordered()
        self._y = self._heights()
        widths = [max(self._width(each) for each in column) for column in self._columns]
        starts = [sum(widths[:at]) + between * at for at in range(len(widths))]
        self._x = [start + width / 2 for start, width in zip(starts, widths, strict=True)]
        self.width = starts[-1] + widths[-1]
        top = min(self._y[each] - self._height(each) / 2 for each in self._y)
        self._y = {each: y - top for each, y in self._y.items()}
        self.height = max(self._y[each] + self._height(each) / 2 for each in self._y)

    def places(self) -> Iterator[tuple[int, Point, Size]]:
        for node, size in self._sizes.items():
            yield node, self._at(node), size

    def ways(self) -> Iterator[tuple[int, list[Point]]]:
        """The points of each edge: from the side of its start to that of its end, level through columns."""
        ports = self._ports()
        for number, chain in self._chains.items():
            first, last = self._at(chain[0]), self._at(chain[-1])
            points = [Point(first.x + self._width(chain[0]) / 2, first.y + ports[number, True])]
            for each in chain[1:-1]:
                place = self._at(each)
                half = max(self._width(other) for other in self._columns[self._column[each]]) / 2
                points += [Point(place.x - half, place.y), Point(place.x + half, place.y)]
            points.append(Point(last.x - self._width(chain[-1]) / 2, last.y + ports[number, False]))
            yield number, points[::-1] if number in self._back else points

    def _at(self, each: int) -> Point:
        return Point(self._x[self._column[each]], self._y[each])

    def _width(self, each: int) -> float:
        return self._sizes[each].width if each in self._sizes else 0.0

    def _height(self, each: int) -> float:
        return self._sizes[each].height if each in self._sizes else THIN

    def _passing(self) -> dict[int, list[int]]:
        """The places of each edge, from left to right."""
        chains, next = dict[int, list[int]](), -1
        for number, (start, end) in self._ahead.items():
            chain = [start]
            for column in range(self._column[start] + 1, self._column[end]):
                self._column[next] = column
                chain.append(next)
                next -= 1
            chains[number] = [*chain, end]
        return chains

    def _grow(self) -> None:
        """Make room for the edges at a side of a node."""
        for node, size in self._sizes.items():
            most = max(len(each[node]) for each in self._near.values())
            self._sizes[node] = Size(size.width, max(size.height, min(most, 12) * PORT * 0.75))

    def _ordered(self) -> list[list[int]]:
        """The columns, each in an order with few crossings."""
        columns: list[list[int]] = [[] for _ in range(max(self._column.values()) + 1)]
        for each, column in self._column.items():
            columns[column].append(each)
        best, fewest = columns, self._crossings(columns)
        for sweep in range(SWEEPS):
            if not fewest:
                break
            forward = sweep % 2 == 0
            columns = [[*each] for each in columns]
            order = range(1, len(columns)) if forward else range(len(columns) - 2, -1, -1)
            for at in order:
                before = {each: place for place, each in enumerate(columns[at - 1 if forward else at + 1])}
                mean = {
                    each: _mean([before[other] for other in self._near[forward][each]], place)
                    for place, each in enumerate(columns[at])
                }
                columns[at].sort(key=mean.__getitem__)
            crossings = self._crossings(columns)
            if crossings < fewest:
                best, fewest = columns, crossings
        return best

    def _crossings(self, columns: Sequence[Sequence[int]]) -> int:
        found = 0
        for left, right in pairwise(columns):
            place = {each: number for number, each in enumerate(right)}
            passed: list[int] = []
            for each in left:
                ends = sorted(place[other] for other in self._near[False][each])
                found += sum(len(passed) - bisect_left(passed, end + 1) for end in ends)
                for end in ends:
                    insort(passed, end)
        return found

    def _heights(self) -> dict[int, float]:
        """The height of each place, near the mean of its neighbours."""
        y: dict[int, float] = {}
        for column in self._columns:
            top = 0.0
            for each in column:
                y[each] = top + self._height(each) / 2
                top += self._height(each) + BETWEEN
        for sweep in range(SWEEPS):
            forward = sweep % 2 == 0
            near = self._near[forward]
            for column in self._columns if forward else reversed(self._columns):
                wanted = [_mean([y[other] for other in near[each]], y[each]) for each in column]
                steps = [
                    (self._height(one) + self._height(other)) / 2 + BETWEEN for one, other in pairwise(column)
                ]
                y |= dict(zip(column, _spread(wanted, steps), strict=True))
        return y

    def _ports(self) -> dict[tuple[int, bool], float]:
        """How far from the middle an edge touches the side of its left node (True) and its right one."""
        at: dict[tuple[int, bool], list[tuple[float, int]]] = defaultdict(list)
        for number, chain in self._chains.items():
            at[chain[0], True].append((self._y[chain[1]], number))
            at[chain[-1], False].append((self._y[chain[-2]], number))
        ports = {}
        for (node, left), edges in at.items():
            room = self._height(node) - 12
            step = min(PORT, room / max(1, len(edges) - 1))
            for place, (_, number) in enumerate(sorted(edges)):
                ports[number, left] = (place - (len(edges) - 1) / 2) * step
        return ports


def _closing(nodes: Sequence[int], edges: Sequence[tuple[int, int, int]]) -> set[int]:
    """The edges that close a cycle, seen from the nodes that nothing leads to, then in the given order."""
    out: dict[int, list[tuple[int, int]]] = defaultdict(list)
    for number, start, end in edges:
        out[start].append((number, end))
    led = {end for _, _, end in edges}
    closing: set[int] = set()
    begun, done = set[int](), set[int]()
    for first in sorted(nodes, key=lambda node: node in led):
        if first in done:
            continue
        begun.add(first)
        trail = [(first, iter(out[first]))]
        while trail:
            node, rest = trail[-1]
            for number, end in rest:
                if end in begun:
                    closing.add(number)
                elif end not in done:
                    begun.add(end)
                    trail.append((end, iter(out[end])))
                    break
            else:
                trail.pop()
                begun.discard(node)
                done.add(node)
    return closing


def _columns(nodes: Sequence[int], edges: Sequence[tuple[int, int]]) -> dict[int, int]:
    """The column of each node: behind those that lead to it, or else before those that it leads to."""
    out: dict[int, list[int]] = defaultdict(list)
    coming = dict.fromkeys(nodes, 0)
    for start, end in edges:
        out[start].append(end)
        coming[end] += 1
    column = dict.fromkeys(nodes, 0)
    first = ready = [node for node in nodes if not coming[node]]
    ready = [*first]
    while ready:
        node = ready.pop()
        for end in out[node]:
            column[end] = max(column[end], column[node] + 1)
            coming[end] -= 1
            if not coming[end]:
                ready.append(end)
    for node in first:
        column[node] = min((column[end] - 1 for end in out[node]), default=0)
    return column


def _mean(numbers: Sequence[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise


def _spread(wanted: Sequence[float], steps: Sequence[float]) -> list[float]:
    """Heights as near as possible to those wanted, each at least a step below the one before.

    Those that would meet are set as one block at the mean of what they want.
    """
    offsets = [0.0]
    for step in steps:
        offsets.append(offsets[-1] + step)
    blocks: list[tuple[float, int]] = []
    for want, offset in zip(wanted, offsets, strict=True):
        total, count = want - offset, 1
        while blocks and blocks[-1][0] / blocks[-1][1] > total / count:
            more, others = blocks.pop()
            total, count = total + more, count + others
        blocks.append((total, count))
    means = [total / count for total, count in blocks for _ in range(count)]
    return [mean + offset for mean, offset in zip(means, offsets, strict=True)]
