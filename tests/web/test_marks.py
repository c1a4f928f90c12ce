"""What the editor is given: marks where findings are, colours for the words of KRL."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from picosched.check import check
from picosched.web.console.colours import MOST, colours
from picosched.web.console.marks import shown

ROOT = Path(__file__).parent.parent.parent

FAULTS = [
    ("ruleset r { global { a = nobody } }", "nobody", 1),
    ("ruleset r {\n  global { a = nobody } }", "nobody", 2),
    ('ruleset r { global { a = "🍵" + nobody } }', "nobody", 1),
    ('ruleset r { global { a = "x\u2028y"\n b = nobody } }', "nobody", 2),  # a line to Python alone
    ("ruleset r {\n\tglobal { a = nobody } }\n", "nobody", 2),
]


@pytest.mark.parametrize(("text", "word", "line"), FAULTS)
def test_a_finding_is_marked_at_its_place(text: str, word: str, line: int) -> None:
    findings = [each for each in check(text) if word in each.message and each.severity == "error"]
    found = shown(text, findings)
    (mark,) = (each for each in found.decorations if each["kind"] == "mark")
    assert text[mark["from"] : mark["to"]] == word and mark["class"] == "krl-error"
    (whole,) = (each for each in found.decorations if each["kind"] == "line")
    assert whole["line"] == line and [*found.tooltips] == [line]
    (words,) = (each for each in found.decorations if each["kind"] == "widget")
    end = text.find("\n", mark["from"])
    assert words["position"] == (end if end >= 0 else len(text))


@pytest.mark.parametrize("text", ["", "\n", "ruleset", "ruleset r {", "ruleset r {\n\n", "x" * 500])
def test_marks_of_a_broken_text_lie_within_it(text: str) -> None:
    findings = check(text)
    found = shown(text, findings)
    assert findings and found.decorations
    for each in found.decorations:
        assert each["kind"] != "mark" or 0 <= each["from"] < each["to"] <= len(text)
        assert each["kind"] != "widget" or (0 <= each["position"] <= len(text) and len(each["text"]) <= 120)
        assert each["kind"] != "line" or 1 <= each["line"] <= text.count("\n") + 1


COLOURED = [
    ("rule a { select when b c }", "word:rule word:select word:when"),
    ("x = event:attrs{'schedule'}", "string:'schedule'"),
    ("schedule = schedule + 1", "word:schedule number:1"),  # a guess, once wrong
    ("when:x", ""),
    ("a.count()", ""),
    ("// rule\nrule", "comment:// rule word:rule"),
    ("re#a b# ", "string:re#a b#"),
    ("<<hi #{name}!>>", "string:<< string:hi  word:#{ word:} string:! string:>>"),
    ('rule "unclosed', "word:rule"),
    ("", ""),
]


@pytest.mark.parametrize(("text", "wanted"), COLOURED)
def test_words_texts_numbers_and_comments_are_coloured(text: str, wanted: str) -> None:
    found = " ".join(
        f"{each['class'].removeprefix('krl-')}:{text[each['from'] : each['to']]}" for each in colours(text)
    )
    assert found == wanted


@pytest.mark.parametrize("file", sorted(ROOT.glob("rulesets/*.krl")), ids=lambda file: file.stem)
def test_colours_do_not_overlap(file: Path) -> None:
    found = colours(file.read_text(encoding="utf-8"))
    assert found
    assert all(one["to"] <= other["from"] for one, other in pairwise(found))


def test_a_long_text_has_no_more_colours_than_an_editor_bears() -> None:
    assert len(colours("rule\n" * 10_000)) == MOST
