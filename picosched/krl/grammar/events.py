"""Productions of event expressions: the part after `select when`.

Tightest first: `between`, `not between` · `before then after` · `and` · `or`. All group to the left.
"""

from __future__ import annotations

from typing import Any

from picosched.krl import syntax
from picosched.krl.grammar.expressions import extent

event_precedence = (
    # A `within` at the end counts for the whole pattern before it, except directly after a `seen`.
    ("nonassoc", "TRAIL"),
    ("left", "WITHIN"),
    ("left", "OR"),
    ("left", "AND"),
    ("left", "BEFORE", "THEN", "AFTER"),
    ("left", "BETWEEN", "NOT"),
)


def p_select_when(p: Any) -> None:
    "select : SELECT WHEN event"
    p[0] = p[3]


def p_select_where(p: Any) -> None:
    "select : SELECT WHERE expression"
    p[0] = syntax.AnyEvent(p[3], **extent(p))


def p_select_using(p: Any) -> None:
    """select : SELECT USING pattern
    | SELECT USING pattern setting"""
    url = syntax.AttributePattern("url", p[3])
    names = p[4] if len(p) > 4 else ()
    p[0] = syntax.EventPrimitive("web", "pageview", (url,), names, **extent(p))


def p_pattern(p: Any) -> None:
    """pattern : regex
    | STRING"""
    p[0] = p[1] if isinstance(p[1], syntax.Regex) else syntax.Regex(p[1], "", **extent(p))


def p_event_operation(p: Any) -> None:
    """event : event OR event
    | event AND event
    | event BEFORE event
    | event THEN event
    | event AFTER event"""
    p[0] = syntax.EventOperation(p[2], (p[1], p[3]), **extent(p))


def p_event_between(p: Any) -> None:
    "event : event BETWEEN LPAREN event COMMA event RPAREN"
    p[0] = syntax.EventOperation("between", (p[1], p[4], p[6]), **extent(p))


def p_event_not_between(p: Any) -> None:
    "event : event NOT BETWEEN LPAREN event COMMA event RPAREN"
    p[0] = syntax.EventOperation("notbetween", (p[1], p[5], p[7]), **extent(p))


def p_event_group(p: Any) -> None:
    "event : LPAREN event RPAREN"
    p[0] = p[2]


def p_event_within(p: Any) -> None:
    "event : event within"
    p[0] = syntax.EventWithin(p[1], p[2], **extent(p))


def p_event_prefix(p: Any) -> None:
    """event : AND LPAREN event_list RPAREN
    | OR LPAREN event_list RPAREN
    | BEFORE LPAREN event_list RPAREN
    | THEN LPAREN event_list RPAREN
    | AFTER LPAREN event_list RPAREN"""
    p[0] = syntax.EventOperation(p[1], tuple(p[3]), **extent(p))


def p_event_list(p: Any) -> None:
    """event_list : event_list COMMA event
    | event"""
    p[0] = [*p[1], p[3]] if len(p) > 2 else [p[1]]


def p_event_any(p: Any) -> None:
    "event : ANY INTEGER LPAREN event_list RPAREN"
    number = p[2]
    if not 1 <= number <= len(p[4]):
        p.parser.fault(f"found any {number} of {len(p[4])} events, wanted 1 to {len(p[4])}", *p.lexspan(2))
    p[0] = syntax.EventGroup("any", number, tuple(p[4]), **extent(p))


def p_event_count(p: Any) -> None:
    """event : COUNT INTEGER LPAREN event RPAREN
    | REPEAT INTEGER LPAREN event RPAREN
    | COUNT INTEGER LPAREN event RPAREN aggregator
    | REPEAT INTEGER LPAREN event RPAREN aggregator"""
    if p[2] < 1:
        p.parser.fault(f"found {p[1]} {p[2]}, wanted at least 1", *p.lexspan(2))
    aggregator, names = p[6] if len(p) > 6 else (None, ())
    p[0] = syntax.EventGroup(p[1], p[2], (p[4],), aggregator, names, **extent(p))


def p_aggregator(p: Any) -> None:
    """aggregator : MAX LPAREN names RPAREN
    | MIN LPAREN names RPAREN
    | SUM LPAREN names RPAREN
    | AVG LPAREN names RPAREN
    | PUSH LPAREN names RPAREN"""
    p[0] = (p[1], tuple(name.id for name in p[3]))


def p_event_primitive(p: Any) -> None:
    """event : event_type attributes
    | event_type attributes setting
    | event_type attributes WHERE expression
    | event_type attributes setting WHERE expression
    | event_type attributes WHERE expression setting"""
    domain, type, element = p[1]
    names: tuple[str, ...] = ()
    where = None
    for part in p.slice[3:]:
        if part.type == "setting":
            names = part.value
        elif part.type == "expression":
            where = part.value
    p[0] = syntax.EventPrimitive(domain, type, (*element, *p[2]), names, where, **extent(p))


def p_event_type(p: Any) -> None:
    """event_type : event_word event_word
    | DOMAIN COLON event_word"""
    p[0] = (p[1], p[len(p) - 1], ())


def p_event_type_page(p: Any) -> None:
    """event_type : PAGE_EVENT element
    | event_word PAGE_EVENT element
    | DOMAIN COLON PAGE_EVENT element"""
    p[0] = ("web" if len(p) == 3 else p[1], p[len(p) - 2], p[len(p) - 1])


def p_element(p: Any) -> None:
    """element : pattern
    | pattern ON pattern
    | empty"""
    name = "url" if p[-1] == "pageview" else "element"
    patterns = [(name, p[1]), ("url", p[3] if len(p) > 2 else None)]
    p[0] = tuple(syntax.AttributePattern(name, pattern) for name, pattern in patterns if pattern)


def p_event_word(p: Any) -> None:
    """event_word : IDENT
    | WORD"""
    p[0] = p[1]


def p_attributes(p: Any) -> None:
    """attributes : attributes ATTRIBUTE pattern
    | empty"""
    if len(p) > 2:
        p[0] = [*p[1], syntax.AttributePattern(p[2], p[3], start=p.lexspan(2)[0], end=p.lexspan(3)[1])]
    else:
        p[0] = []
