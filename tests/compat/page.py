"""docs/compatibility.md, written from the replayed logs and the names of the tests of HTTP and the pages."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path

from picosched.krl.ruleset import compile_ruleset

from .replay import Outcome, logs, replay

HERE = Path(__file__).parent
ROOT = HERE.parent.parent
PAGE = ROOT / "docs" / "compatibility.md"
DIFFERENCES = ROOT / "docs" / "language-differences.md"
CLIENTS = ROOT / "tests" / "web" / "test_node_clients.py"

KINDS = {"install": "installs", "event": "events", "query": "queries"}
TRAPS = {
    "node": "language-differences.md#traps-of-the-node-engine",
    "classic": "language-differences.md#traps",
}

LONGEST = 240
"""Characters of an outcome that the page shows."""

DATED = re.compile(r"^Version \S+, (\d{4}-\d{2}-\d{2})\.", re.MULTILINE)

TEXT = """# What runs unchanged

[Coming from the classic engine or the Node engine](language-differences.md) ·
[for people of pico-engine](http.md#for-people-of-pico-engine) · **compatibility**

Version {version}, {date}. Written by `python -m tests.compat`, which replays the request logs of
`tests/compat/` and compares outcome by outcome: the directives of an event, the answer to a query, what an
install gives, or that there is an error, whatever its message. Both engines have the same clock; ids count as
equal. The rulesets are our own, in the styles in which people write them.

## Rulesets for the Node engine

{node_rulesets} rulesets. The outcomes to compare with are those of pico-engine-core 1.3.0, except for
{by_hand} written by hand.

{node}

### Outcomes that differ

{node_differ}

### Written by hand

{node_by_hand}

## Rulesets for the classic engine

{classic_rulesets} rulesets. The outcomes to compare with are written by hand, without what changes web pages.

{classic}

### Rulesets and their inactive rules

The number of rules is how many of them can run.

{inactive}

### Outcomes that differ

{classic_differ}

## HTTP and the pages of the Node engine

Each line is a test of `tests/web/test_node_clients.py`, made with a real server and client.

{clients}
"""


def replayed(folder: str) -> list[Outcome]:
    return [outcome for log in logs(HERE / folder) for outcome in replay(log)]


def page(date: str) -> str:
    node, classic = replayed("node"), replayed("classic")
    by_hand = [each for each in node if "by hand" in each.step]
    return TEXT.format(
        version=version("picosched"),
        date=date,
        node_rulesets=len(list((HERE / "node").glob("*.krl"))),
        by_hand=len(by_hand),
        node=counted(node),
        node_differ=differing(node, "Node engine", "node"),
        node_by_hand=hand_written(by_hand),
        classic_rulesets=len(list((HERE / "classic").glob("*.krl"))),
        classic=counted(classic),
        inactive=loaded(classic),
        classic_differ=differing(classic, "classic engine", "classic"),
        clients=tested(),
    )


def date_of(text: str) -> str | None:
    found = DATED.search(text)
    return found[1] if found else None


# ---- tables -----------------------------------------------------------------------------------------


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(str(cell) for cell in line)} |" for line in lines).replace("|  ", "| ")


def counted(outcomes: Sequence[Outcome]) -> str:
    def rows() -> Iterator[Sequence[object]]:
        for kind, name in KINDS.items():
            some = [each for each in outcomes if each.kind == kind]
            same = sum(each.same for each in some)
            meant = sum(not each.same and "meant" in each.step for each in some)
            if some:
                yield name, len(some), same, f"{same / len(some):.1%}", meant, len(some) - same - meant

    return table(("", "all", "same", "", "meant to differ", "different"), rows())


def differing(outcomes: Sequence[Outcome], other: str, traps: str) -> str:
    def rows() -> Iterator[Sequence[object]]:
        for each in outcomes:
            if not each.same:
                meant = each.step.get("meant")
                reason = f"[meant]({TRAPS[traps]}): {meant}" if meant else "**different**"
                given = each.step.get("attrs", each.step.get("args"))
                asked = code(f"{each.asked} {json.dumps(given, ensure_ascii=False)}" if given else each.asked)
                yield each.log, asked, code(shown(each.wanted)), code(shown(each.found)), reason

    found = list(rows())
    return table(("ruleset", "asked", other, "here", "reason"), found) if found else "None."


def hand_written(outcomes: Sequence[Outcome]) -> str:
    reasons = {each.log: each.step["by hand"] for each in outcomes}
    return table(
        ("ruleset", "outcomes", "since it"),
        [(log, sum(each.log == log for each in outcomes), why) for log, why in reasons.items()],
    )


def loaded(outcomes: Sequence[Outcome]) -> str:
    def rows() -> Iterator[Sequence[object]]:
        for path in sorted((HERE / "classic").glob("*.krl"), key=lambda path: (len(path.stem), path.stem)):
            ruleset = compile_ruleset(path)
            some = [each for each in outcomes if each.log == path.stem and each.kind == "event"]
            why = "<br>".join(f"{code(rule)}: {reason}" for rule, reason in ruleset.inactive.items())
            runs = len(ruleset.rules) - len(ruleset.inactive)
            same = f"{sum(each.same for each in some)} of {len(some)}" if some else ""
            yield ruleset.rid, ruleset.name, f"{runs} of {len(ruleset.rules)}", why, same

    return table(("RID", "name", "rules", "inactive", "events with the same outcome"), rows())


def tested() -> str:
    """The tests of HTTP, by the headings that stand above them."""
    text = CLIENTS.read_text(encoding="utf-8")
    lines = text.splitlines()
    headings = {number: line.strip("# -") for number, line in enumerate(lines, 1) if line.startswith("# ---")}

    def rows() -> Iterator[Sequence[object]]:
        told = ""
        for node in ast.parse(text).body:
            if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
                above = [heading for number, heading in headings.items() if number < node.lineno]
                about = above[-1] if above else ""
                sentence = node.name.removeprefix("test_").replace("_", " ")
                yield about if about != told else "", sentence
                told = about

    return table(("about", "shown"), rows())


# ---- cells ------------------------------------------------------------------------------------------


def shown(outcome: dict[str, object]) -> str:
    """An outcome in one line: the directives, the answer, or the error."""
    match outcome:
        case {"error": message}:
            text = f"error: {message}"
        case {"directives": list(told)}:
            text = ", ".join(f"{each['name']} {json_of(each['options'])}" for each in told) or "nothing"
        case {"answer": answer}:
            text = json_of(answer)
        case _:
            text = json_of(outcome)
    return text if len(text) <= LONGEST else f"{text[:LONGEST]}…"


def json_of(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, sort_keys=True)


def code(text: str) -> str:
    return f"`{text}`".replace("|", "\\|").replace("\n", " ")
