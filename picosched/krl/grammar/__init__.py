"""Text to tree: `parse(source)` of a ruleset, `parse_body(source)` of an expression.

The productions stand in modules, one construct each; PLY's tables are built from all of them once, and
kept in a folder of the user's cache under a name that changes with the grammar. A cache that is missing,
wrong or unwritable only costs the time to build them. Each parse has a parser and lexer of its own, so that
threads do not meet.
"""

from __future__ import annotations

import copy
import hashlib
import marshal
import os
import tempfile
from functools import cache
from pathlib import Path
from types import ModuleType
from typing import Any, NoReturn

from ply import yacc

from picosched.covered import without_keys
from picosched.errors import KrlError
from picosched.krl import lexer, syntax
from picosched.krl.classic import for_classic
from picosched.krl.grammar import actions, events, expressions, rules, statements
from picosched.krl.grammar.classic import is_classic, with_beestings
from picosched.krl.grammar.tokens import KEYWORDS, PAIRS, PERSISTENT, Tokens
from picosched.krl.grammar.wanted import misplaced
from picosched.krl.source import Source

# Tokens that the filter makes of WORDs, beside the keywords.
_MADE = """
    IDENT BINDER DOMAIN PERSISTENT KEYNAME ATTRIBUTE PAGE_EVENT RID LEVEL PERIOD BLOCK ACTIONS WITHIN_TIME
""".split()


def parse(source: Source) -> syntax.Ruleset:
    """Parse a ruleset. KrlError at the first invalid token."""
    tree: syntax.Ruleset = _parse(source, "ruleset")
    declared = is_classic(tree)
    if declared or for_classic(tree):
        aliases = {each.alias for each in tree.meta if isinstance(each, syntax.UseModule)}
        kinds = PERSISTENT - aliases

        def parse_stretch(start: int, end: int) -> syntax.Expression:
            found: syntax.Function = _parse(source, "body", start, end, kinds)
            return found.result

        try:
            return with_beestings(tree, source, parse_stretch)  # type: ignore[no-any-return]
        except KrlError:
            if declared:
                raise
    return tree


def parse_body(source: Source) -> syntax.Function:
    """Parse an expression, optionally preceded by declarations, as the body of a function."""
    tree: syntax.Function = _parse(source, "body")
    return tree


def _parse(
    source: Source,
    symbol: str,
    start: int = 0,
    end: int | None = None,
    persistent: frozenset[str] = PERSISTENT,
) -> Any:
    """The tree of a text, or of a stretch of it, as the start symbol says."""
    parser = copy.copy(_parser(symbol))
    parser.statestack = [0]
    parser.persistent = persistent

    def fault(message: str, begin: int, end: int) -> NoReturn:
        raise KrlError(message, source.span(begin, end))

    def error(token: Any) -> NoReturn:
        token, wanted = misplaced(stream, token)
        if token is None:
            place = len(source.text) if end is None else end
            raise KrlError(f"found the end of the text, wanted {wanted}", source.span(place, place))
        fault(f"found {_shown(source, token)}, wanted {wanted}", token.lexpos, token.endlexpos)

    parser.fault = fault
    parser.text = source.text
    parser.errorfunc = error
    stream = Tokens(source, parser, start, end)
    return parser.parse(lexer=stream, tracking=True)


def _shown(source: Source, token: Any) -> str:
    text = without_keys(source.text)[token.lexpos : token.endlexpos].split("\n")[0]
    return f"`{text if len(text) <= 30 else text[:29] + '…'}`"


@cache
def _parser(start: str) -> Any:
    module = _module(start)
    signature = _signature(module)
    path = _cache_folder() / f"grammar-{start}-{signature}"
    parser = _loaded(path, module)
    if parser is None:
        parser = build(start)
        _keep(parser, path)
    return parser


def build(start: str, log: Any = None) -> Any:
    """A parser with newly built tables; PLY reports conflicts to `log`, if given."""
    silent = yacc.NullLogger()
    return yacc.yacc(
        module=_module(start),
        debug=log is not None,
        debuglog=log or silent,
        errorlog=log or silent,
        write_tables=False,
    )


@cache
def _module(start: str) -> ModuleType:
    """All productions in one module, as PLY wants them."""
    module = ModuleType(f"picosched.krl.grammar.{start}")
    types = sorted(KEYWORDS.values())
    module.__dict__.update(
        start=start,
        tokens=[type for type in lexer.tokens if type != "WORD"] + ["WORD", *types, *_MADE, *PAIRS.values()],
        precedence=(*events.event_precedence, *expressions.precedence),
        p_error=lambda token: None,
        __file__=__file__,
    )
    for part in (expressions, events, rules, actions, statements):
        for name, value in vars(part).items():
            if name.startswith("p_"):
                module.__dict__[name] = value
    return module


def _signature(module: ModuleType) -> str:
    productions = sorted(
        f"{name}\n{value.__doc__}" for name, value in vars(module).items() if name.startswith("p_")
    )
    told = repr((productions, module.tokens, module.precedence, yacc.__tabversion__))
    return hashlib.sha256(told.encode()).hexdigest()[:16]


def _cache_folder() -> Path:
    import platformdirs

    return Path(platformdirs.user_cache_dir("picosched"))


def _loaded(path: Path, module: ModuleType) -> Any:
    """The parser from cached tables; None if they are missing or damaged."""
    try:
        actions, gotos, productions = marshal.loads(path.read_bytes())
        tables = yacc.LRTable()
        tables.lr_action, tables.lr_goto = actions, gotos
        tables.lr_productions = [yacc.MiniProduction(*production) for production in productions]
        tables.bind_callables(vars(module))
        return yacc.LRParser(tables, module.p_error)
    except (OSError, EOFError, ValueError, KeyError, TypeError, AttributeError):
        return None


def _keep(parser: Any, path: Path) -> None:
    """Cache the tables for the next process, atomically."""
    productions = [(str(p), p.name, p.len, getattr(p, "func", None), "", 0) for p in parser.productions]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor, temporary = tempfile.mkstemp(dir=path.parent)
        with os.fdopen(descriptor, "wb") as file:
            file.write(marshal.dumps((parser.action, parser.goto, productions)))
        Path(temporary).replace(path)
    except OSError:
        return
