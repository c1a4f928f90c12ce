"""Productions of action blocks: `if condition then every { … }`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from picosched.krl import syntax
from picosched.krl.grammar.expressions import extent, verbatim


def p_actions(p: Any) -> None:
    """actions : action_block
    | emits action_block
    | emits
    | actions CALLBACKS BLOCK"""
    last = p[len(p) - 1]
    if len(p) == 4:
        behind = (len(p[1].actions) + 1, verbatim(p, behind=1))
        p[0] = replace(p[1], ignored=(*p[1].ignored, behind))
    elif isinstance(last, syntax.ActionBlock):
        p[0] = replace(last, ignored=(*(p[1] if len(p) == 3 else ()), *last.ignored))
    else:
        p[0] = syntax.ActionBlock("every", (), ignored=tuple(last), **extent(p))


def p_emits(p: Any) -> None:
    """emits : emit semicolons
    | emits emit semicolons"""
    p[0] = [(-1, p[1])] if len(p) == 3 else [*p[1], (-1, p[2])]


def p_emit(p: Any) -> None:
    "emit : EMIT expression"
    p[0] = verbatim(p)


def p_action_block(p: Any) -> None:
    "action_block : ordered"
    p[0] = p[1]


def p_action_block_bare(p: Any) -> None:
    """action_block : LBRACE action_list RBRACE semicolons
    | ACTIONS action_list RBRACE semicolons"""
    p[0] = _block("every", p[2], **extent(p))


def p_action_block_if(p: Any) -> None:
    """action_block : IF expression THEN ordered
    | IF expression THEN LBRACE action_list RBRACE semicolons"""
    block = p[4] if len(p) == 5 else _block("every", p[5])
    p[0] = replace(block, condition=p[2], **extent(p))


def p_ordered_one(p: Any) -> None:
    "ordered : action semicolons"
    p[0] = syntax.ActionBlock("one", (p[1],), **extent(p))


def p_ordered_list(p: Any) -> None:
    """ordered : EVERY LBRACE action_list RBRACE semicolons
    | SAMPLE LBRACE action_list RBRACE semicolons"""
    p[0] = _block(p[1], p[3], **extent(p))


def p_ordered_choose(p: Any) -> None:
    """ordered : CHOOSE selector LBRACE action_list RBRACE semicolons
    | CHOOSE LBRACE action_list RBRACE semicolons"""
    if len(p) == 7:
        p[0] = _block("choose", p[4], selector=p[2], **extent(p))
    else:
        p[0] = _block("sample", p[3], **extent(p))


def _block(order: str, parts: list[syntax.Action | syntax.Ignored], **rest: Any) -> syntax.ActionBlock:
    """An action block of the actions and the classic constructs that stand in its braces."""
    actions: list[syntax.Action] = []
    ignored = []
    for part in parts:
        if isinstance(part, syntax.Action):
            actions.append(part)
        else:
            ignored.append((len(actions), part))
    return syntax.ActionBlock(order, tuple(actions), ignored=tuple(ignored), **rest)


def p_selector(p: Any) -> None:
    """selector : IDENT
    | DOMAIN COLON IDENT
    | persistent
    | STRING
    | LPAREN expression RPAREN"""
    # A brace after it opens the block, so a path needs parentheses: `choose (event:attrs{"w"}) {`.
    if len(p) == 4:
        p[0] = p[2] if p.slice[2].type == "expression" else syntax.Qualified(p[1], p[3], **extent(p))
    elif isinstance(p[1], syntax.Node):
        p[0] = p[1]
    else:
        node = syntax.Name if p.slice[1].type == "IDENT" else syntax.Literal
        p[0] = node(p[1], **extent(p))


def p_selector_call(p: Any) -> None:
    "selector : selector LPAREN arguments RPAREN"
    p[0] = syntax.Call(p[1], tuple(p[3]), **extent(p))


def p_action_list(p: Any) -> None:
    """action_list : action_list action
    | action_list SEMICOLON
    | action_list emit
    | empty"""
    p[0] = [*p[1], p[2]] if len(p) == 3 and p[2] != ";" else p[1] or []


def p_action(p: Any) -> None:
    """action : callee LPAREN arguments RPAREN
    | callee LPAREN arguments RPAREN setting
    | callee LPAREN arguments RPAREN WITH options
    | callee LPAREN arguments RPAREN WITH options setting
    | callee LPAREN arguments RPAREN setting WITH options"""
    options: tuple[syntax.Declaration, ...] = ()
    names: tuple[str, ...] = ()
    for part in p.slice[5:]:
        if part.type == "setting":
            names = part.value
        elif part.type == "options":
            options = tuple(part.value)
    p[0] = syntax.Action(p[1], tuple(p[3]), options, names, **extent(p))


def p_action_labelled(p: Any) -> None:
    "action : IDENT ARROW action"
    p[0] = replace(p[3], label=p[1])


def p_callee(p: Any) -> None:
    "callee : IDENT"
    p[0] = syntax.Name(p[1], **extent(p))


def p_callee_qualified(p: Any) -> None:
    "callee : DOMAIN COLON IDENT"
    p[0] = syntax.Qualified(p[1], p[3], **extent(p))
