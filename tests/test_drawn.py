"""The picture of the whole graph: what it shows, and that nothing lies on anything else."""

from __future__ import annotations

import xml.etree.ElementTree as ET
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from picosched import PicoschedError
from picosched.check.drawn import Drawn, draw
from picosched.check.graph import Count, Graph
from picosched.check.layers import Layout, Size, layered
from picosched.check.outline import outline_of
from picosched.check.svg import svg_of
from picosched.check.whole import check_whole

KETTLE = """ruleset kettle {
  rule start { select when tea started
    fired {
      schedule kettle event "boiled" at time:add(time:now(), {"minutes": 3}) attributes {"level": 0};
      raise cup event "spilt";
      raise kettle event ent:next
    } }
  rule boiled { select when kettle boiled where level > 1 }
  rule again { select when kettle again fired { schedule kettle event "again" at ent:time } }
}
"""


def drawn(text: str, counts: dict[tuple[str, str], Count] | None = None) -> Drawn:
    outlines = [outline_of(text, "kettle.krl")]
    return draw(Graph(outlines), counts or {}, check_whole(outlines))


def test_events_and_rules_stand_in_turns_with_what_there_is_to_say_of_them() -> None:
    found = drawn(KETTLE, {("tea:started", "kettle/start"): Count(1_200, 7)})
    assert {(each.kind, each.name, each.tone) for each in found.boxes} == {
        ("event", "tea:started", "outside"),
        ("rule", "start", "warned"),
        ("event", "kettle:boiled", ""),
        ("rule", "boiled", ""),
        ("event", "cup:spilt", "lost"),
        ("event", "kettle:…", "open"),
        ("event", "kettle:again", ""),
        ("rule", "again", ""),
    }
    arrows = {(each.title.split("\n")[0], each.verb, each.label, each.back) for each in found.arrows}
    assert arrows == {
        ("tea:started → kettle/start", "selects", "7 of 1,200", False),
        ("kettle/start → kettle:boiled", "schedules", "", False),
        ("kettle/start → cup:spilt", "raises", "", False),
        ("kettle/start → kettle:…", "raises", "", False),
        ("kettle:boiled → kettle/boiled", "fails", "", False),
        ("kettle:again → kettle/again", "selects", "", False),
        ("kettle/again → kettle:again", "schedules", "", True),
    }
    (start,) = (each for each in found.boxes if each.name == "start")
    assert "W503 line 4" in start.title and "W502 line 5" in start.title


def test_a_ruleset_has_neither_the_red_of_faults_nor_the_brown_of_warnings() -> None:
    texts = [f"ruleset r{number} {{ rule a {{ select when a b }} }}" for number in range(60)]
    outlines = [outline_of(text, f"{number}.krl") for number, text in enumerate(texts)]
    hues = [each.hue for each in draw(Graph(outlines)).boxes if each.kind == "rule"]
    assert len(hues) == 60 and all(50 < hue < 310 for hue in hues)
    assert all(abs(one - other) > 25 for one, other in combinations(hues[:6], 2))


def test_the_svg_is_well_formed_and_has_each_text() -> None:
    tree = ET.fromstring(
        svg_of(drawn(KETTLE.replace("kettle {", "a_very_long_name_for_one_kettle_of_many {", 1)))
    )
    texts = [each.text for each in tree.iter("{http://www.w3.org/2000/svg}text")]
    assert {
        "tea:started",
        "start",
        "kettle:boiled",
        f"{'a_very_long_name_for_one_kettle_of_many'[:27]}…",
    } <= {*texts}
    hostile = drawn('ruleset a { rule b { select when c d fired { raise c event "</svg><script>&\x01" } } }')
    titles = [each.text for each in ET.fromstring(svg_of(hostile)).iter("{http://www.w3.org/2000/svg}text")]
    assert "c:</svg><script>&\N{REPLACEMENT CHARACTER}" in titles


def test_too_many_rules_or_none_are_no_picture() -> None:
    rules = "".join(f"rule r{number} {{ select when t e{number} }}" for number in range(401))
    for text in ("ruleset a { }", f"ruleset a {{ {rules} }}"):
        with pytest.raises(PicoschedError, match="no picture"):
            svg_of(drawn(text))


edges = some.integers(1, 12).flatmap(
    lambda count: some.tuples(
        some.just(count),
        some.lists(some.tuples(*[some.integers(0, count - 1)] * 2).filter(lambda each: each[0] != each[1])),
    )
)


@settings(max_examples=200, deadline=None)
@given(edges)
def test_no_two_nodes_touch_and_each_edge_leads_from_its_start_to_its_end(
    graph: tuple[int, list[tuple[int, int]]],
) -> None:
    count, edges = graph
    laid: Layout = layered([Size(60 + 10 * (n % 3), 26 + 16 * (n % 2)) for n in range(count)], edges, 40, 500)
    boxes = [
        (
            place.x - size.width / 2,
            place.y - size.height / 2,
            place.x + size.width / 2,
            place.y + size.height / 2,
        )
        for place, size in zip(laid.places, laid.sizes, strict=True)
    ]
    for one, other in combinations(boxes, 2):
        assert one[2] < other[0] or other[2] < one[0] or one[3] < other[1] or other[3] < one[1]
    for left, top, right, bottom in boxes:
        assert left > -1e-6 and top > -1e-6
        assert right < laid.size.width + 1e-6 and bottom < laid.size.height + 1e-6
    for (start, end), way in zip(edges, laid.ways, strict=True):
        back = way[0].x > way[-1].x
        assert way[0].x == pytest.approx(boxes[start][0 if back else 2])
        assert way[-1].x == pytest.approx(boxes[end][2 if back else 0])
        for point, node in ((way[0], start), (way[-1], end)):
            assert boxes[node][1] < point.y < boxes[node][3]


def test_the_columns_follow_the_way_of_the_edges_unless_they_close_a_cycle() -> None:
    laid = layered([Size(10, 10)] * 5, [(0, 1), (1, 2), (0, 2), (2, 1), (3, 2)], 10, 100)
    x = [place.x for place in laid.places]
    assert x[0] < x[1] < x[2] and x[3] == x[1] and x[4] > x[2]
    assert [way[0].x > way[-1].x for way in laid.ways] == [False, False, False, True, False]
