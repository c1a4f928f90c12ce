"""Parsing with error recovery: a syntax error in one rule does not hide errors in others.

The part of the text with an error, one rule or all of `meta` or `global`, is blanked out, and the rest is
parsed again, so all positions stay valid.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from picosched.errors import KrlError, lines_of
from picosched.krl import syntax
from picosched.krl.grammar import parse
from picosched.krl.lexer import tokens_of
from picosched.krl.source import Source

MOST = 20
"""The most syntax errors reported for one text."""

CHOOSE = re.compile(r"\bchoose\s+[\w$]+(?:\s*:\s*[\w$]+)?\s*(?:\{[^{}]*\}\s*|\[[^\[\]]*\]\s*)+\{")
"""`choose x{path} {`: its first brace is taken for that of the block."""

OPENING = ("LBRACE", "BEE_OPEN")
CLOSING = ("RBRACE", "BEE_CLOSE")


@dataclass(frozen=True, slots=True)
class Reading:
    """The result of parsing: a tree of the valid parts, and the syntax errors."""

    source: Source
    tree: syntax.Ruleset | None
    """None if the rest is meaningless on its own, as without `global`, where no name would be known."""
    faults: tuple[KrlError, ...] = ()


@dataclass(frozen=True, slots=True)
class _Block:
    """The text of one rule, or of what stands before the rules: `meta` or `global`."""

    is_rule: bool
    """Nothing else knows its names: it is no `global`, and there is none at a wrong place in it."""
    start: int
    opened: int
    """Where its first brace stands."""
    end: int
    balance: int
    """How many more braces open in it than close."""


def read(source: Source) -> Reading:
    """The tree of a ruleset's text, and its syntax errors."""
    text = source.text
    faults: list[KrlError] = []
    names_known = True
    while len(faults) < MOST:
        try:
            tree = parse(Source(source.name, text))
            return Reading(source, tree if names_known else None, tuple(faults))
        except KrlError as fault:
            try:
                tokens = tokens_of(Source(source.name, text))
            except KrlError as lexical:
                faults += [*_before(source.name, text, lexical), lexical]
                break
            place = _offset(text, fault)
            if any(_offset(text, other) >= place >= len(text.rstrip()) for other in faults):
                break  # the end comes too soon once more: the brace is missing that was missing before
            faults.append(_explained(fault, source.text, place))
            block = _block_at(_blocks(tokens), place)
            if block is None:
                break
            names_known = names_known and block.is_rule
            text = text[: block.start] + _blank(text[block.start : block.end]) + text[block.end :]
    return Reading(source, None, tuple(faults))


def _before(name: str, text: str, lexical: KrlError) -> list[KrlError]:
    """The syntax error before a lexical error, which is often the sign of a missing quote."""
    end = _offset(text, lexical)
    try:
        parse(Source(name, text[:end]))
    except KrlError as fault:
        if _offset(text, fault) < len(text[:end].rstrip()):
            return [fault]
    return []


def _explained(fault: KrlError, text: str, place: int) -> KrlError:
    for choose in CHOOSE.finditer(text):
        if choose.start() < place < choose.end():
            message = f"{fault.message}: a path after choose needs parentheses, `choose (x{{path}}) {{`"
            return KrlError(message, fault.span, kind="E002")
    return fault


def _offset(text: str, fault: KrlError) -> int:
    """Where a fault stands, as an offset."""
    assert fault.span is not None
    lines = lines_of(text)[: fault.span.line - 1]
    return sum(map(len, lines)) + fault.span.column - 1


def _blocks(tokens: Sequence[Any]) -> list[_Block]:
    """The stretches of a text that can be left out, in order."""
    rules = [index for index in range(len(tokens)) if _begins_rule(tokens, index)]
    first = rules[0] if rules else len(tokens)
    others = [
        next((i for i in range(first) if _begins(tokens, i, word)), None) for word in ("meta", "global")
    ]
    starts = sorted({*rules, *(index for index in others if index is not None)})
    closing = max((i for i, token in enumerate(tokens) if token.type == "RBRACE"), default=0)
    found: list[_Block] = []
    for start, end in pairwise([*starts, closing if closing > starts[-1] else len(tokens)] if starts else []):
        inner = tokens[start:end]
        opened = next((token for token in inner if token.type == "LBRACE"), inner[-1])
        balance = sum((token.type in OPENING) - (token.type in CLOSING) for token in inner)
        past = tokens[end].lexpos if end < len(tokens) else inner[-1].endlexpos
        is_rule = start in rules and not any(_begins(tokens, index, "global") for index in range(start, end))
        found.append(_Block(is_rule, inner[0].lexpos, opened.lexpos, past, balance))
    return found


def _begins_rule(tokens: Sequence[Any], index: int) -> bool:
    """Whether a rule begins here: `rule name {`, `rule name is active {`, or an attempt at it."""
    if tokens[index].value != "rule" or index == 0:
        return False
    kinds = [token.type for token in tokens[index : index + 5]]
    if kinds[:3] == ["WORD", "WORD", "LBRACE"] or kinds == ["WORD", "WORD", "WORD", "WORD", "LBRACE"]:
        return True
    follows = tokens[index - 1].type in ("LBRACE", "RBRACE", "SEMICOLON")
    return follows and kinds[:2] in (["WORD", "WORD"], ["WORD", "STRING"])


def _begins(tokens: Sequence[Any], index: int, word: str) -> bool:
    around = [token.type for token in tokens[max(index - 1, 0) : index + 2]]
    return tokens[index].value == word and around in (
        ["LBRACE", "WORD", "LBRACE"],
        ["RBRACE", "WORD", "LBRACE"],
    )


def _block_at(blocks: Sequence[_Block], place: int) -> _Block | None:
    """The stretch to blame for an error at a place."""
    before = [block for block in blocks if block.start <= place]
    if not before:
        return None
    *earlier, found = before
    # An error where a rule begins is one brace too many or too few in the rule before it.
    return earlier[-1] if earlier and place <= found.opened and earlier[-1].balance else found


def _blank(text: str) -> str:
    """As many blanks, with the lines that the text has."""
    return "".join(each if each in "\r\n" else " " for each in text)
