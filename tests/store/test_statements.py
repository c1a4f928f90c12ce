"""The port of the store: SQL is in the folders of the databases alone, and statements are named and used."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from postgres_server import Server

import picosched
from picosched import Store
from picosched.schedule.filter import Filter
from picosched.schedule.scheduled import Status
from picosched.store.left_out import LeftOut
from picosched.store.port import Database, Where
from picosched.store.postgres import statements as postgres_statements
from picosched.store.postgres.conditions import conditions_of as postgres_conditions_of
from picosched.store.sqlite import statements
from picosched.store.sqlite.conditions import conditions_of

PACKAGE = Path(picosched.__file__).parent
STORE = PACKAGE / "store"
DATABASES = (STORE / "postgres", STORE / "sqlite")
LOGIC = sorted(STORE.glob("*.py"))

SQL = re.compile(
    r"\bSELECT\b.*\bFROM\b|\bINSERT (OR \w+ )?INTO\b|\bDELETE FROM\b|\bUPDATE \w+ SET\b|\bPRAGMA\b"
    r"|\b(CREATE|DROP|ALTER) (TABLE|INDEX|TRIGGER)\b",
    re.DOTALL,
)
PIECES = re.compile(r"\b(SELECT|INSERT|UPDATE|DELETE|FROM|WHERE|ORDER BY|LIMIT|VALUES|IS NULL|rowid)\b|= \?")
"""What in the store would be a piece of SQL."""


def texts_of(path: Path) -> Iterator[str]:
    """The texts in a file, without its docstrings."""
    nodes = [*ast.walk(ast.parse(path.read_text(encoding="utf-8")))]
    alone = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    for node in nodes:
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in alone:
            yield node.value


def test_sql_stands_where_the_databases_are() -> None:
    for path in PACKAGE.rglob("*.py"):
        if any(folder in path.parents for folder in DATABASES):
            continue
        wrong = [text for text in texts_of(path) if (PIECES if path in LOGIC else SQL).search(text)]
        assert wrong == [], path


def named(path: Path) -> Iterator[str]:
    """The statements that a file names: the texts it passes as the parameter `statement` of some function."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    port = ast.parse((STORE / "port.py").read_text(encoding="utf-8"))
    takes: dict[str, int] = {}
    for node in (*ast.walk(port), *ast.walk(tree)):
        if isinstance(node, ast.FunctionDef):
            names = [each.arg for each in node.args.args if each.arg != "self"]
            if "statement" in names:
                takes[node.name] = names.index("statement")
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        place = takes.get(name)
        if place is None or place >= len(node.args):
            continue
        given = node.args[place]
        for each in (given.body, given.orelse) if isinstance(given, ast.IfExp) else (given,):
            if isinstance(each, ast.Constant):
                yield each.value


def test_each_statement_that_is_named_is_there() -> None:
    found = {name for path in LOGIC for name in named(path)}
    assert len(found) > 80
    assert sorted(found - {*statements.ALL}) == []


def test_each_statement_is_named_somewhere() -> None:
    texts = {text for path in LOGIC for text in texts_of(path)}
    assert sorted({*statements.ALL} - texts) == []


def test_each_database_has_the_same_statements() -> None:
    assert sorted(postgres_statements.ALL) == sorted(statements.ALL)


def test_the_port_is_small() -> None:
    assert len([name for name in {*dir(Database), *Database.__annotations__} if name[0] != "_"]) <= 45


NOW = datetime(2026, 3, 1, tzinfo=UTC)
FILTER = Filter("p", "r", "n", "d", "t", "at", (Status.PENDING, Status.FINISHED), NOW, NOW, "x", ("a",), "s")


def conditions_for(text: str) -> Where:
    """All conditions that a statement may get."""
    if "{where[" in text:
        return tuple(LeftOut(frozenset("a"), frozenset("b")) for _ in re.findall(r"\{where\[", text))
    if "{where:" in text:
        return LeftOut(frozenset("a"), frozenset("b"))
    if "FROM audit" in text:
        return {"name": "n", "what": "w", "kind": "k", "subject": "s"}
    return FILTER if "{is_shown}" in text else {"pico": "p"}


@pytest.mark.parametrize("name", statements.ALL)
def test_a_statement_fits_the_tables(name: str) -> None:
    text = statements.ALL[name]
    sql = statements.STATEMENTS.get(name)
    if sql is None:
        shapes, values = conditions_of(conditions_for(text))
        own = len({*re.findall(r"\?\d", text)})
        sql, number = statements.composed(name, shapes, own), own + len(values)
    elif "?1" in text:
        number = len({*re.findall(r"\?\d", text)})
    else:
        number = sql.count("?")
    store = Store()
    assert [*store._database.ask(f"EXPLAIN {sql}", [None] * number)]
    store.close()


def test_a_statement_fits_the_tables_of_postgres(postgres: Server) -> None:
    store = Store(postgres.emptied_database())
    session = store._database._session
    for number, (name, text) in enumerate(postgres_statements.ALL.items()):
        sql = postgres_statements.STATEMENTS.get(name)
        if sql is None:
            shapes, _ = postgres_conditions_of(conditions_for(text))
            sql = postgres_statements.composed(name, shapes, len({*re.findall(r"\$\d", text)}))
        session.execute(f"PREPARE fits{number} AS ".encode() + sql)
    for name, text in postgres_statements.OF_OWN.items():
        shapes, _ = postgres_conditions_of(conditions_for(text), "{1,2}")
        own = len({*re.findall(r"\$\d", text)})
        sql = postgres_statements.composed(name, shapes, own, placed=True)
        session.execute(f"PREPARE of_own_{name} AS ".encode() + sql)
    store.close()


def test_conditions_of_one_shape_are_one_text() -> None:
    """So that SQLite prepares it once."""
    store = Store()
    store.agenda.matching(Filter(pico_id="p0", text="x"), 1)
    before = statements.composed.cache_info().misses
    for number in range(20):
        store.agenda.matching(Filter(pico_id=f"p{number}", text=f"{number}"), number)
    assert statements.composed.cache_info().misses == before
    store.close()
