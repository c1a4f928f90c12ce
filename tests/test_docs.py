"""The pages of docs/ and the README: every example is run, and nothing that there is goes unsaid.

An example is known by its form: a fenced block by the word behind the fence, an expression in a line by the
arrow behind it. docs/language.md says what each form means, under "How to read the examples".
"""

from __future__ import annotations

import inspect
import json
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import Any, get_args

import pytest
from krl.scopes import new_scope

from picosched.check import check
from picosched.cli import main as cli
from picosched.errors import Code, KrlError, PicoschedError
from picosched.krl import event_expression, extent, lexer, size
from picosched.krl import pattern as krl_pattern
from picosched.krl.body import evaluate_body
from picosched.krl.compiler.rules import MOST_LOOPS
from picosched.krl.grammar import parse
from picosched.krl.library import ACTIONS, MODULES, OPERATORS, Member, jsonpath
from picosched.krl.operators import SIGNS
from picosched.krl.printer import formatted
from picosched.krl.ruleset import compile_ruleset
from picosched.krl.running import instantiate
from picosched.krl.source import Source
from picosched.krl.values import json_value
from picosched.notation import parse_duration, parse_values
from picosched.pico import said
from picosched.pico.event import Event
from picosched.rehearsal.transcript import play
from picosched.schedule import changed
from picosched.schedule.scheduled import SCHEDULED
from picosched.schedule.steering import STEERING
from picosched.settings import ALMANAC, LIMITS, NAMES, Settings, load_settings
from picosched.sources.reading import load_sources

pytestmark = pytest.mark.files

ROOT = Path(__file__).parent.parent
DOCS = sorted((ROOT / "docs").glob("*.md"))
TO_COPY = [page for page in DOCS if page.stem.startswith(("from-", "tutorial"))]
"""Pages whose rulesets somebody takes as they are."""
LANGUAGE = [page for page in DOCS if page.stem.startswith("language")]
PAGES = [*DOCS, ROOT / "README.md"]
RULESETS = ROOT / "rulesets"

TESTED_ELSEWHERE = {
    "sql": "tests/store/test_views.py",
    "console": "tests/cli/test_cli_page.py",
    "text": "the faults of the block above it, and the transcripts of docs/cli.md",
    "": "drawings and forms",
}
"""Fences whose blocks are no examples of their own, and why."""


# ---- what stands on the pages -----------------------------------------------------------------------


@dataclass(frozen=True)
class Block:
    """A fenced block: the words behind its fence, its text, and where it stands."""

    page: Path
    line: int
    words: tuple[str, ...]
    text: str

    @property
    def form(self) -> str:
        return self.words[0] if self.words else ""

    def __str__(self) -> str:
        return f"{self.page.name}:{self.line}"


def blocks_of(page: Path) -> list[Block]:
    found: list[Block] = []
    begun: tuple[int, tuple[str, ...]] | None = None
    lines: list[str] = []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if not line.startswith("```"):
            lines.append(line)
        elif begun is None:
            begun, lines = (number, tuple(line[3:].split())), []
        else:
            found.append(Block(page, *begun, "".join(f"{each}\n" for each in lines)))
            begun = None
    assert begun is None, f"{page.name}: a block is not closed"
    return found


def prose_of(page: Path) -> list[tuple[int, str]]:
    """The lines that stand in no block."""
    inside, found = False, []
    for number, line in enumerate(page.read_text(encoding="utf-8").splitlines(), 1):
        if line.startswith("```"):
            inside = not inside
        elif not inside:
            found.append((number, line))
    return found


BLOCKS = [block for page in PAGES for block in blocks_of(page)]


def blocks(form: str, *words: str) -> list[Any]:
    return [
        pytest.param(block, id=str(block))
        for block in BLOCKS
        if block.form == form and block.words[1:] == words
    ]


def is_sound(block: Block) -> bool:
    return block.form == "krl" and "fault" not in block.words


def rid_of(block: Block) -> str:
    return parse(Source(str(block), block.text)).rid


def test_every_block_is_of_a_form_that_is_tested() -> None:
    forms = {"krl", "transcript", "expressions", "events", "python", "toml", *TESTED_ELSEWHERE}
    assert [str(block) for block in BLOCKS if block.form not in forms] == []


# ---- rulesets ---------------------------------------------------------------------------------------

AROUND = (
    (("rule ", "global ", "meta "), "ruleset example {\n", "}\n", 2),
    (("",), "ruleset example {\n  rule example {\n    select when t a\n    always {\n", "    }\n  }\n}\n", 6),
)
"""What stands around a fragment that begins so, and how far it is indented there."""


def whole_of(text: str) -> tuple[str, str, str, int]:
    """A fragment as a whole ruleset; what was put before and behind it, and its indent."""
    if text.startswith("ruleset "):
        return text, "", "", 0
    before, behind, indent = next(
        (before, behind, indent) for begins, before, behind, indent in AROUND if text.startswith(begins)
    )
    inner = "".join(" " * indent + line if line.strip() else line for line in text.splitlines(True))
    return before + inner + behind, before, behind, indent


@pytest.mark.parametrize(
    "block",
    [each for each in BLOCKS if is_sound(each) and each.page in TO_COPY and each.text.startswith("ruleset ")],
    ids=str,
)
def test_a_ruleset_to_copy_has_no_warning(block: Block) -> None:
    assert check(block.text, block.page.name) == []


@pytest.mark.parametrize("block", [each for each in BLOCKS if each.form == "toml"], ids=str)
def test_a_configuration_is_read(block: Block, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("jobs").write_text("30 2 * * * /usr/local/bin/backup\n", encoding="utf-8")
    path = Path("picosched.toml")
    path.write_text(block.text, encoding="utf-8")
    load_settings(path, {})
    load_sources(path)


@pytest.mark.parametrize("block", [each for each in BLOCKS if is_sound(each)], ids=str)
def test_a_ruleset_compiles_and_is_laid_out_as_the_formatter_would(block: Block) -> None:
    whole, before, behind, indent = whole_of(block.text)
    compile_ruleset(whole, block.page.name)
    if block.page not in LANGUAGE or "classic" in block.words:  # a spelling of its own is what it shows
        return
    inner = formatted(whole).removeprefix(before).removesuffix(behind)
    assert "".join(line[indent:] if line.strip() else line for line in inner.splitlines(True)) == block.text


def test_the_readme_shows_rules_that_compile() -> None:
    (rules,) = [
        each.text for each in BLOCKS if each.page.name == "README.md" and each.text.startswith("rule ")
    ]
    compile_ruleset(whole_of(rules)[0], "README.md")


@pytest.mark.parametrize("block", blocks("krl", "fault"))
def test_a_fault_is_told_as_the_page_says(block: Block) -> None:
    below = BLOCKS[BLOCKS.index(block) + 1]
    assert below.form == "text" and below.page == block.page, "wanted the faults below their text"
    with pytest.raises(KrlError) as caught:
        compile_ruleset(block.text, f"{block.text.split()[1]}.krl")
    faults = [caught.value, *caught.value.others]
    assert "\n".join(fault.render(block.text) for fault in faults) == below.text.rstrip("\n")


# ---- turns ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("block", blocks("transcript"))
def test_a_transcript_plays_as_the_page_says(block: Block, tmp_path: Path) -> None:
    """It has the rulesets of its page so far, and installs the last of them if it says nothing else."""
    before = [
        each
        for each in blocks_of(block.page)
        if is_sound(each) and each.line < block.line and each.text.startswith("ruleset ")
    ]
    for each in before:
        (tmp_path / f"{rid_of(each)}.krl").write_text(each.text)
    installs = re.search(r"^install ", block.text, re.MULTILINE) is not None
    file = tmp_path / "transcript.txt"
    file.write_text(block.text if installs else f"install {rid_of(before[-1])}\n{block.text}")
    played = play(file, tmp_path / "picos.db", [tmp_path, RULESETS])
    assert not played.mismatches, f"{block}\n" + "\n".join(map(str, played.mismatches))


# ---- expressions ------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Expression:
    """An expression, and the JSON of its value or a part of its error."""

    place: str
    text: str
    value: str | None
    error: str | None = None

    def __str__(self) -> str:
        return self.place


INLINE = re.compile(r"(?<!`)`([^`]+)` → (error )?`([^`]+)`")


def expressions() -> Iterator[Expression]:
    for page in LANGUAGE:
        for number, line in prose_of(page):
            for place, found in enumerate(INLINE.finditer(line.replace(r"\|", "|"))):
                name = f"{page.name}:{number}" + (f"/{place}" if place else "")
                text, error, wanted = found.groups()
                yield Expression(name, text, *((None, wanted) if error else (wanted, None)))
    for block in BLOCKS:
        if block.form == "expressions":
            yield from expressions_in(block)


def expressions_in(block: Block) -> Iterator[Expression]:
    """`expression → json` or `expression → ! part of an error`; an expression may take several lines."""
    text = ""
    for number, line in enumerate(block.text.splitlines(), block.line + 1):
        before, arrow, wanted = line.partition("→")
        text += f"{before.rstrip()}\n" if arrow else f"{line}\n"
        if arrow:
            error = wanted.strip().removeprefix("! ") if wanted.strip().startswith("!") else None
            value = wanted.strip() if error is None else None
            yield Expression(f"{block.page.name}:{number}", text.strip(), value, error)
            text = ""
    assert not text.strip(), f"{block}: `{text.strip()}` has no value"


@pytest.mark.parametrize("expression", list(expressions()), ids=str)
def test_an_expression_has_the_value_that_the_page_says(expression: Expression) -> None:
    if expression.value is None:
        with pytest.raises(PicoschedError) as caught:
            evaluate_body(expression.text, new_scope())
        told = [caught.value, *getattr(caught.value, "others", ())]
        assert any(expression.error in each.message for each in told if expression.error), told
        return
    value = json_value(evaluate_body(expression.text, new_scope()))
    assert json.dumps(value, ensure_ascii=False) == json.dumps(
        json.loads(expression.value), ensure_ascii=False
    ), expression.text


# ---- event expressions ------------------------------------------------------------------------------

STEP = re.compile(r"\+(?P<later>\w+)|(?P<type>\w+)(?:\((?P<attrs>[^)]*)\))?(?P<star>\*)?")


@dataclass(frozen=True)
class Pattern:
    """A `select`, the steps below it, and what the last event that fires has bound."""

    place: str
    select: str
    steps: str | None
    binds: str | None

    def __str__(self) -> str:
        return self.place


def patterns() -> Iterator[Pattern]:
    for block in BLOCKS:
        if block.form != "events":
            continue
        line = block.line + 1
        for part in block.text.split("\n\n"):
            select, *below = part.strip("\n").splitlines()
            assert select.startswith("select ") and len(below) <= 2, f"{block}: {part}"
            binds = below[1].strip().removeprefix("binds ") if len(below) > 1 else None
            yield Pattern(f"{block.page.name}:{line}", select, below[0] if below else None, binds)
            line += part.count("\n") + 2


@pytest.mark.parametrize("pattern", list(patterns()), ids=str)
def test_a_pattern_fires_where_the_page_says(pattern: Pattern) -> None:
    ruleset = compile_ruleset("ruleset example { rule example { %s noop() } }" % pattern.select)
    instance = instantiate(ruleset, new_scope(), lambda rid, config: {})
    now, state, told, bound = datetime(2026, 3, 1, tzinfo=UTC), None, "", None
    for found in STEP.finditer(pattern.steps or ""):
        told += "  " + found[0].removesuffix("*")
        if found["later"]:
            now += parse_duration(found["later"])
            continue
        words = shlex.split(" ".join((found["attrs"] or "").split(",")))
        event = Event("t", found["type"], parse_values(words), "eid", now)
        instance.scope.event = event
        if ruleset.salient(event.domain, event.type):
            selection = instance.select(0, event, json.loads(json.dumps(state)))  # as a restart finds it
            state = selection.state
            if selection.bindings is not None:
                told, bound = told + "*", selection.bindings
    assert told.split() == (pattern.steps or "").split()
    if pattern.binds is not None:
        assert bound == json.loads(pattern.binds)


def test_the_table_of_states_is_that_of_the_code() -> None:
    def states(lines: list[str]) -> list[tuple[str, str]]:
        rows = ((row[0].replace("`", ""), row[1]) for row in cells(lines) if len(row) == 3)
        return [(form, state) for form, state in rows if form.strip() and form != "form" and state]

    page = sections(ROOT / "docs" / "language-events.md", 2)["States"]
    assert states(page) == states((event_expression.__doc__ or "").splitlines())


# ---- Python -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_the_python_of_a_page_runs(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From top to bottom: a block has the names of those before it."""
    shutil.copytree(RULESETS, tmp_path / "rulesets")
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {}
    for block in blocks_of(page):
        if block.form == "python":
            exec(compile(block.text, str(block), "exec"), names)


# ---- nothing goes unsaid ----------------------------------------------------------------------------


def spans(text: str) -> list[str]:
    """The code spans of a line."""
    return [found.replace(r"\|", "|") for found in re.findall(r"(?<!`)`([^`]+)`", text)]


def sections(page: Path, level: int) -> dict[str, list[str]]:
    """heading → the lines below it, as far as the next heading of that level or a higher one."""
    found: dict[str, list[str]] = {}
    current: list[str] = []
    for _, line in prose_of(page):
        if mark := re.match(r"(#+) (.+)", line):
            if len(mark[1]) <= level:
                current = found.setdefault(mark[2], []) if len(mark[1]) == level else []
            continue
        current.append(line)
    return found


def cells(lines: list[str]) -> Iterator[list[str]]:
    """The rows of the tables in these lines."""
    for line in lines:
        if line.startswith("| ") and not line.startswith("|--"):
            yield [cell.strip() for cell in re.split(r"(?<!\\)\|", line.strip().strip("|"))]


def test_the_table_of_signs_is_that_of_the_code() -> None:
    """Tightest first, between calls and `test => a | b`; within a level the order does not matter."""
    told = {"left": "", "right": "to the right", "nonassoc": "alone", "prefix": "prefix"}
    levels = [
        (told[kind], {sign.text for sign in signs})
        for (_, kind), signs in groupby(reversed(SIGNS), lambda sign: (sign.level, sign.kind))
    ]
    page = sections(ROOT / "docs" / "language-expressions.md", 2)["Operators"]
    rows = [(row[1], set(spans(row[0]))) for row in cells(page) if any(row)]
    assert rows[1:-1] == levels


LIBRARY = ROOT / "docs" / "language-library.md"


def parameters_of_operator(name: str) -> tuple[str, ...]:
    """What an operator takes behind its receiver, as the page writes it."""
    operator = OPERATORS[name]
    found = list(inspect.signature(operator.run).parameters.values())[2 if operator.scoped else 1 :]
    return tuple(
        ("…" if each.kind is each.VAR_POSITIONAL else "") + each.name
        for each in found
        if each.kind is not each.KEYWORD_ONLY  # from the compiler
    )


def signature_of(text: str) -> tuple[str, tuple[str, ...] | None]:
    """The name and the parameters of `name(a, b)`; None without parentheses."""
    name, parenthesis, rest = text.partition("(")
    if not parenthesis:
        return name, None
    return name, tuple(each.strip() for each in rest.rstrip(")").split(",") if each.strip())


def test_every_operator_is_documented_with_its_parameters() -> None:
    told = dict(
        signature_of(span)
        for row in cells(sections(LIBRARY, 2)["Operators"])
        for span in spans(row[0])
        if re.fullmatch(r"[A-Za-z]+\([^()]*\)", span) and not span.startswith("as(…")
    )
    assert told.pop("pset") == ("ent:name",)  # it has its own place in the grammar
    assert told == {name: parameters_of_operator(name) for name in OPERATORS}


def kind_of(member: Member) -> str:
    return "function and action" if member.kind == "both" else member.kind


def test_every_member_of_every_module_is_documented_with_its_parameters() -> None:
    headings = sections(LIBRARY, 3)
    told: dict[str, tuple[str, tuple[str, ...] | None]] = {}
    for module in MODULES:
        for row in cells(headings[module]):
            for span in spans(row[0]):
                if span.startswith(f"{module}:"):
                    name, parameters = signature_of(span)
                    told[name] = row[1], parameters
    real = {
        f"{module}:{name}": (kind_of(member), None if member.kind == "value" else member.parameters)
        for module, members in MODULES.items()
        for name, member in members.items()
    }
    http = {name: (kind, ("url", "…")) for name, (kind, _) in real.items() if name.startswith("http:")}
    assert told == real | http
    arguments = {span for row in cells(headings["http"]) for span in spans(row[0]) if ":" not in span}
    assert arguments == set(MODULES["http"]["get"].parameters)


def test_every_built_in_action_is_documented() -> None:
    told = dict(
        signature_of(spans(row[0])[0]) for row in cells(sections(LIBRARY, 2)["Actions"]) if spans(row[0])
    )
    assert told == {"noop": (), "send_directive": ("name", "options")}
    assert set(told) == set(ACTIONS)


@pytest.mark.parametrize(
    ("page", "heading", "names"), [("api.md", "Engine", NAMES), ("language-errors.md", "Limits", LIMITS)]
)
def test_every_setting_is_documented_with_its_default(
    page: str, heading: str, names: tuple[str, ...]
) -> None:
    rows = [row for row in cells(sections(ROOT / "docs" / page, 2)[heading]) if len(row) == 3]
    told = {spans(row[0])[0]: row[1].strip("`").replace(",", "") for row in rows if spans(row[0])}
    default = Settings()
    parts = {**dict.fromkeys(LIMITS, default.limits), **dict.fromkeys(ALMANAC, default.almanac)}
    real = {name: getattr(parts.get(name, default), name) for name in names}
    assert told == {name: "" if value == () else str(value) for name, value in real.items()}


FIXED = (
    lexer.MAX_NESTING,
    extent.DEEPEST,
    MOST_LOOPS,
    size.DEEPEST,
    size.LONGEST,
    krl_pattern.LONGEST_SUBJECT,
    krl_pattern.SEARCH_SECONDS,
    krl_pattern.MOST_CAPTURES,
    krl_pattern.LARGEST_PATTERN,
    said.MOST_ASKED,
    jsonpath.LONGEST_PATH,
)
"""The limits that are no settings, in the order of their table."""


def test_every_fixed_limit_has_its_number() -> None:
    rows = cells(sections(ROOT / "docs" / "language-errors.md", 2)["Limits"])
    told = [row[1].replace(",", "") for row in rows if len(row) == 2]
    assert [float(number) for number in told if number] == list(FIXED)


def commands() -> set[str]:
    return {name for names in cli.MODULES.values() for name in names}


def test_every_command_is_documented_and_no_other_is_named() -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in PAGES)
    named = set(re.findall(r"(?:`|^\$ |^)picosched ([a-z]+(?:-[a-z]+)*)", text, re.MULTILINE))
    real = commands()
    assert real
    assert named == real


def test_every_kind_of_error_is_documented() -> None:
    page = (ROOT / "docs" / "language-errors.md").read_text(encoding="utf-8")
    assert [code for code in get_args(Code) if f"`{code}`" not in page] == []


# ---- links ------------------------------------------------------------------------------------------


def anchors(page: Path) -> set[str]:
    """The anchors of a page's headings, as they are made on the web."""
    return {
        re.sub(r"[^\w\- ]", "", mark[1].lower()).replace(" ", "-")
        for _, line in prose_of(page)
        if (mark := re.match(r"#+ (.+)", line))
    }


def test_the_states_of_a_row_are_those_of_the_code() -> None:
    table = re.compile(r"(?:^\| .*\n?)+", re.MULTILINE)
    (of_code,) = [found for found in table.findall(changed.__doc__ or "") if found.startswith("| state")]
    page = (ROOT / "docs" / "scheduling.md").read_text()
    assert of_code.strip() in re.sub(r"\[([^\]]+)\]\([^)]+\)", r"\1", page)


def test_every_file_that_the_design_names_is_there() -> None:
    text = (ROOT / "README.md").read_text() + (ROOT / "docs" / "design.md").read_text()
    named = set(re.findall(r"`((?:picosched/)?[\w/]+\.py)`", text)) | set(
        re.findall(r"`(picosched/\w+/)`", text)
    )
    assert len(named) > 40
    places = (ROOT, ROOT / "picosched")
    assert [name for name in sorted(named) if not any((place / name).exists() for place in places)] == []


@pytest.mark.parametrize("page", LANGUAGE, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for number, line in prose_of(page):
        for link in re.findall(r"\]\(([^)]+)\)", re.sub(r"`[^`]*`", "", line)):
            file, _, anchor = link.partition("#")
            target = page.parent / file if file else page
            assert target.is_file(), f"{page.name}:{number}: {link}"
            assert not anchor or anchor in anchors(target), f"{page.name}:{number}: {link}"


@pytest.mark.slow
def test_the_site_is_built_and_each_of_its_links_leads_somewhere(tmp_path: Path) -> None:
    built = [sys.executable, "-m", "mkdocs", "build", "--site-dir", str(tmp_path)]
    result = subprocess.run(built, cwd=ROOT, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert {each.stem for each in tmp_path.glob("*.html")} == {each.stem for each in DOCS} | {"404"}


def test_every_detail_of_a_scheduled_event_is_documented() -> None:
    (row,) = (row for row in cells(sections(LIBRARY, 3)["event"]) if "event:show(id)" in spans(row[0]))
    assert spans(row[2]) == [each.json for each in SCHEDULED.fields if each.json]
    page = (ROOT / "docs" / "scheduling.md").read_text(encoding="utf-8")
    assert [name for name in STEERING if f"`{name}`" not in page] == []
