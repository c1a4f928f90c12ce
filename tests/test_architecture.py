"""The shape of the project: layers, names, the length of files, and who may read the clock."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "picosched"
FILES = sorted(PACKAGE.rglob("*.py"))

IN_A_TICK = tuple(
    "raising batch background asking programs outside ringing clockwork delivering due begun".split()
)

# From the bottom up. A module may import from its own layer and from those below; the parts of one layer
# that are told apart here are strangers to each other.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("errors",),
    ("clock",),
    ("document", "ending"),
    ("krl", "schedule"),
    ("sources",),
    ("settings", "standard"),
    ("check", "pico"),
    ("store",),
    ("loaded", "incoming", "installing", "notation", "edges", "declaring", "moved"),
    IN_A_TICK,
    ("schedule.scheduler", "tick", "pruning"),
    ("engine", "reference", "agenda", "beginning", "sourced"),
    ("simulate", "provisioning", "moving"),
    ("transcript", "rehearsed", "catchup", "remote"),
    ("pytest_plugin",),
    ("web",),
    ("cli",),
)
TOGETHER = (
    {"engine", "reference", "agenda", "beginning", "sourced"},
    {"loaded", "incoming", "installing", "notation", "edges", "declaring", "moved"},
    set(IN_A_TICK),
)
"""Parts of one layer that know each other."""

LONG = {"syntax.py": "one dataclass for each construct of the language"}
FORBIDDEN = (
    "manager helper util utils common misc base core service handler processor wrapper data info".split()
)


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def part_of(module: str) -> str | None:
    """The entry of LAYERS that a module belongs to: the longest that fits."""
    entries = [entry for layer in LAYERS for entry in layer]
    fits = [entry for entry in entries if module == entry or module.startswith(f"{entry}.")]
    return max(fits, key=len, default=None)


def height(part: str) -> int:
    return next(index for index, layer in enumerate(LAYERS) if part in layer)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports_of(path: Path) -> set[str]:
    """The modules of the package that a file imports when it runs: those only for types do not count."""
    tree = tree_of(path)
    found: set[str] = set()
    skipped = [
        node
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and isinstance(block.test, ast.Name) and block.test.id == "TYPE_CHECKING"
        for node in ast.walk(block)
    ]
    for node in ast.walk(tree):
        if node in skipped:
            continue
        if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("picosched"):
            inner = node.module.removeprefix("picosched").lstrip(".")
            for name in node.names:
                child = f"{inner}.{name.name}".lstrip(".")
                place = PACKAGE / child.replace(".", "/")
                found.add(child if place.exists() or place.with_suffix(".py").exists() else inner)
        elif isinstance(node, ast.Import):
            found |= {
                n.name.removeprefix("picosched.") for n in node.names if n.name.startswith("picosched.")
            }
    return found


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_imports_point_down(path: Path) -> None:
    module = module_of(path)
    if not module:
        return  # the public face
    own = part_of(module)
    assert own is not None, f"{module} has no place among the layers"
    for imported in imports_of(path):
        other = part_of(imported)
        assert other is not None, f"{module} imports {imported}, which has no place among the layers"
        if other == own:
            continue
        if height(other) == height(own):
            assert any({own, other} <= group for group in TOGETHER), (
                f"{module} imports its neighbour {imported}"
            )
        assert height(other) <= height(own), f"{module} imports {imported}, which lies above it"


def test_imports_make_no_cycle() -> None:
    graph = {module_of(path): imports_of(path) for path in FILES if module_of(path)}
    done: set[str] = set()

    def visit(module: str, path: tuple[str, ...]) -> None:
        assert module not in path, " → ".join((*path, module))
        if module in done:
            return
        for each in graph.get(module, ()):
            if each != module:
                visit(each, (*path, module))
        done.add(module)

    for module in graph:
        visit(module, ())


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_file_is_one_idea_of_at_most_400_lines(path: Path) -> None:
    lines = path.read_text(encoding="utf-8").count("\n")
    assert lines <= 400 or path.name in LONG


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_a_module_opens_with_what_it_holds(path: Path) -> None:
    docstring = ast.get_docstring(tree_of(path))
    assert docstring and len(docstring) > 20


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_names_say_something(path: Path) -> None:
    names = [path.stem]
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.ClassDef | ast.FunctionDef):
            names.append(node.name)
    for name in names:
        words = re.findall(r"[a-z0-9]+", re.sub(r"([A-Z])", r"_\1", name).lower())
        assert not set(words) & set(FORBIDDEN), name


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_only_the_clock_reads_the_time_and_sleeps(path: Path) -> None:
    if path.name == "clock.py":
        return
    found = re.findall(
        r"datetime\.(?:now|utcnow|today)\(|\btime\.(?:time|monotonic|sleep|perf_counter)(?:_ns)?\(|pendulum\.(?:now|today)\(",
        path.read_text(encoding="utf-8"),
    )
    assert found == []


def seen(folder: Path) -> Iterator[Path]:
    """All files below a folder; what begins with a dot is hidden."""
    for path in folder.iterdir():
        if path.name.startswith("."):
            continue
        if path.is_dir():
            yield from seen(path)
        else:
            yield path


def test_the_project_speaks_of_itself_alone() -> None:
    hidden = re.compile(r"/(?:work|farm)/|\.\./shared")
    for path in seen(ROOT):
        if (
            path.suffix in (".py", ".md", ".krl", ".toml", ".txt", ".json")
            and path.name != Path(__file__).name
        ):
            assert not hidden.search(path.read_text(encoding="utf-8", errors="replace")), path
