"""Faults of names: each ruleset under faults/ says on its lines what must be reported there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from picosched.errors import KrlError
from picosched.krl.resolver import MOST_SUGGESTED
from picosched.krl.ruleset import compile_ruleset

FAULTS = sorted((Path(__file__).parent / "faults").glob("*.krl"))


def wanted_in(text: str) -> list[tuple[int, str]]:
    """The (line, message part) pairs that a text's `### "…"` marks ask for."""
    return [
        (number, part)
        for number, line in enumerate(text.splitlines(), 1)
        if "###" in line
        for part in re.findall(r'"([^"]*)"', line.split("###")[1])
    ]


@pytest.mark.parametrize("path", FAULTS, ids=lambda path: path.stem)
def test_every_fault_is_reported_at_once_and_on_its_line(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    wanted = wanted_in(text)
    assert wanted
    with pytest.raises(KrlError) as caught:
        compile_ruleset(re.sub(r"###.*", "", text), path.name)
    found = [caught.value, *caught.value.others]
    for line, part in wanted:
        assert any(fault.span and fault.span.line == line and part in fault.message for fault in found), (
            line,
            part,
            [str(fault) for fault in found],
        )
    assert len(found) == len(wanted), [str(fault) for fault in found]


def test_an_error_shows_its_line_with_a_caret() -> None:
    text = "ruleset demo {\n\tglobal { a = mising + 1 }\n}"
    with pytest.raises(KrlError) as caught:
        compile_ruleset(text, "demo.krl")
    assert caught.value.render(text) == (
        "demo.krl:2:15: unknown name mising\n  \tglobal { a = mising + 1 }\n  \t             ^^^^^^"
    )


@pytest.mark.parametrize(
    "text",
    [
        "ruleset d { global { even = function(n){ n == 0 || odd(n - 1) } odd = function(n){ even(n) } } }",
        "ruleset d { global { map = function(x){ x } y = [1].map() } }",  # an operator may be shadowed
        "ruleset d { rule r { select when a b where amount > 100 noop() } }",  # an attribute, bare
        "ruleset d { rule r { select when a b fired { raise x event done for other } } }",
        "ruleset d { rule r { select when a b k re#(.)# setting(k) pre { k = k + 1 } } }",
        "ruleset d { global { x = 1 f = function(x){ x } } }",
    ],
)
def test_what_the_language_allows_is_no_fault(text: str) -> None:
    compile_ruleset(text)


def test_only_the_first_faults_name_similar_names() -> None:
    text = "ruleset r { global { " + " ".join(f"g{n} = zzz{n}" for n in range(200)) + " } }"
    with pytest.raises(KrlError) as caught:
        compile_ruleset(text)
    faults = [caught.value, *caught.value.others]
    assert len(faults) == 200
    assert ["near it" in each.message for each in faults].count(True) <= MOST_SUGGESTED
