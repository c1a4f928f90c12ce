"""The shape of the project: layers, names, the length of files, and who may read the clock."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

pytestmark = pytest.mark.files

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "picosched"
FILES = sorted(PACKAGE.rglob("*.py"))

# The folders from the bottom up. A module may import from its own folder and from those of the layers below.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("krl", "timespec"),
    ("schedule", "standard"),
    ("sources",),
    ("check", "outside", "pico"),
    ("store",),
    ("turns",),
    ("due",),
    ("engine",),
    ("rehearsal", "remote"),
    ("web",),
    ("cli",),
)

FORBIDDEN = (
    "manager helper util utils common misc base core service handler processor wrapper data info".split()
)


def module_of(path: Path) -> str:
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__")


def folder_of(module: str) -> str | None:
    """The folder of a module; None of a file at the top of the package."""
    folder, _, inner = module.partition(".")
    return folder if inner or (PACKAGE / folder).is_dir() else None


@cache
def height(module: str) -> int:
    """The layer of a module. A file at the top has none of its own: it stands right above all it imports."""
    folder = folder_of(module)
    if folder is not None:
        return next(index for index, layer in enumerate(LAYERS) if folder in layer)
    path = (PACKAGE / module).with_suffix(".py")
    return max((height(each) for each in imports_of(path)), default=-1)


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"))


@cache
def imports_of(path: Path) -> set[str]:
    """The modules of the package that a file imports, when it runs or for types alone."""
    tree = tree_of(path)
    found: set[str] = set()
    for node in ast.walk(tree):
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
    own = folder_of(module)
    for imported in imports_of(path):
        if own is not None and folder_of(imported) == own:
            continue
        if own is None or folder_of(imported) is None:  # a file at the top
            assert height(imported) <= height(module), f"{module} imports {imported}, which lies above it"
        else:
            assert height(imported) < height(module), f"{module} imports {imported}, which is not below it"


def test_the_store_alone_knows_its_databases() -> None:
    """A folder inside `store` is one kind of database. One module opens them; the rest knows their port."""
    kinds = [each.name for each in (PACKAGE / "store").iterdir() if (each / "__init__.py").exists()]
    assert kinds
    for kind in kinds:
        own = f"store.{kind}."
        outside = [path for path in FILES if not f"{module_of(path)}.".startswith(own)]
        openers = [path for path in outside if any(f"{each}.".startswith(own) for each in imports_of(path))]
        assert [folder_of(module_of(path)) for path in openers] == ["store"], openers


def test_only_databases_import_sqlite() -> None:
    for path in FILES:
        if PACKAGE / "store" in path.parent.parents:
            continue
        text = path.read_text(encoding="utf-8")
        assert not re.search(r"^\s*(?:import|from) sqlite", text, re.MULTILINE), path


def test_every_folder_has_its_layer() -> None:
    folders = {each.name for each in PACKAGE.iterdir() if (each / "__init__.py").exists()}
    assert folders == {folder for layer in LAYERS for folder in layer}
    assert len(folders) <= 16


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
    text = path.read_text(encoding="utf-8")
    # One that is longer says at its head why it is one idea.
    most = 600 if "one idea" in (ast.get_docstring(tree_of(path)) or "") else 400
    assert text.count("\n") <= most


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
