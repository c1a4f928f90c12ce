"""Productions of expressions. A docstring is the production; PLY reads it.

The signs and how tightly each binds are those of the table of operators. `=> |` is looser than all of them;
postfix `.name` `{path}` `[index]` and calls are tighter.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from itertools import groupby
from typing import Any

from picosched.krl import syntax
from picosched.krl.operators import COMPARISON, INFIX, PREFIX, SIGNS


def _signs() -> Iterator[tuple[str, ...]]:
    """The rows of the signs, the loosest first; `within` is looser than a comparison."""
    for (level, kind), signs in groupby(SIGNS, lambda sign: (sign.level, sign.kind)):
        if level == COMPARISON:
            yield ("nonassoc", "WITHIN_TIME")
        yield ("right", "PREFIX") if kind == "prefix" else (kind, *(sign.token for sign in signs))


precedence = (
    # What ends an expression is looser than any token that could go on with it: a line break ends nothing.
    ("nonassoc", "EXPRESSION"),
    ("left", "VERSION"),
    *_signs(),
    ("nonassoc", "OPERAND"),
    ("left", "LPAREN", "LBRACKET", "LBRACE", "DOT"),
)


def extent(p: Any) -> dict[str, Any]:
    """Where a production stands: from its first part that is not empty to its last."""
    ends = [_extent(symbol) for symbol in p.slice[1:]]
    found = [(start, end) for start, end in ends if end]
    return {"start": found[0][0], "end": found[-1][1]} if found else {"start": 0, "end": 0}


def verbatim(p: Any, *, behind: int = 0) -> syntax.Ignored:
    """The verbatim text from the part after `behind` to the last non-empty one."""
    start = p.lexspan(behind + 1)[0]
    end = max(p.lexspan(index)[1] for index in range(behind + 1, len(p)))
    return syntax.Ignored(p.parser.text[start:end], start=start, end=end)


def _extent(symbol: Any) -> tuple[int, int]:
    """PLY gives an empty part the place 0, and with it what ends in one; a node knows better."""
    if isinstance(symbol.value, syntax.Node):
        return symbol.value.start, symbol.value.end
    return symbol.lexpos, getattr(symbol, "endlexpos", 0)


def p_expression(p: Any) -> None:
    "expression : operation %prec EXPRESSION"
    p[0] = p[1]


def p_conditional(p: Any) -> None:
    "expression : operation ARROW operation BAR expression"
    p[0] = syntax.Conditional(p[1], p[3], p[5], **extent(p))


def p_infix(p: Any) -> None:
    p[0] = syntax.Infix(p[2], p[1], p[3], **extent(p))


p_infix.__doc__ = "operation : " + "\n| ".join(f"operation {sign.token} operation" for sign in INFIX.values())


def p_prefix(p: Any) -> None:
    p[0] = syntax.Prefix(p[1], p[2], **extent(p))


p_prefix.__doc__ = "operation : " + "\n| ".join(
    f"{sign.token} operation %prec PREFIX" for sign in PREFIX.values()
)


def p_operation(p: Any) -> None:
    """operation : primary %prec OPERAND
    | trail %prec OPERAND"""
    p[0] = p[1]


def p_group(p: Any) -> None:
    "primary : LPAREN expression RPAREN"
    # `(m.f)(x)` calls what m holds; `m.f(x)` applies the operator f.
    p[0] = syntax.Group(p[2], **extent(p)) if isinstance(p[2], syntax.Member) else p[2]


def p_literal(p: Any) -> None:
    """primary : INTEGER
    | NUMBER
    | STRING
    | RAW"""
    p[0] = syntax.Literal(p[1], **extent(p))


def p_literal_word(p: Any) -> None:
    """primary : NULL
    | TRUE
    | FALSE"""
    p[0] = syntax.Literal({"null": None, "true": True, "false": False}[p[1]], **extent(p))


def p_primary(p: Any) -> None:
    """primary : regex
    | persistent"""
    p[0] = p[1]


def p_regex(p: Any) -> None:
    "regex : REGEX"
    p[0] = syntax.Regex(*p[1], **extent(p))


def p_name(p: Any) -> None:
    "primary : IDENT"
    p[0] = syntax.Name(p[1], **extent(p))


def p_qualified(p: Any) -> None:
    "primary : DOMAIN COLON IDENT"
    p[0] = syntax.Qualified(p[1], p[3], **extent(p))


def p_persistent(p: Any) -> None:
    "persistent : PERSISTENT COLON IDENT"
    p[0] = syntax.Persistent(p[1], p[3], **extent(p))


def p_chevron(p: Any) -> None:
    "primary : CHEVRON_OPEN chevron_parts CHEVRON_CLOSE"
    p[0] = syntax.Chevron(tuple(p[2]), **extent(p))


def p_chevron_parts(p: Any) -> None:
    """chevron_parts : chevron_parts CHEVRON_TEXT
    | chevron_parts BEE_OPEN expression BEE_CLOSE
    | empty"""
    p[0] = [*p[1], p[2 if len(p) == 3 else 3]] if len(p) > 2 else []


def p_array(p: Any) -> None:
    """primary : LBRACKET items RBRACKET
    | LBRACKET items COMMA RBRACKET
    | LBRACKET RBRACKET"""
    p[0] = syntax.Array(tuple(p[2]) if len(p) > 3 else (), **extent(p))


def p_items(p: Any) -> None:
    """items : items COMMA expression
    | expression"""
    p[0] = [*p[1], p[3]] if len(p) > 2 else [p[1]]


def p_map(p: Any) -> None:
    """primary : LBRACE entries RBRACE
    | LBRACE entries COMMA RBRACE
    | LBRACE RBRACE"""
    p[0] = syntax.Map(tuple(p[2]) if len(p) > 3 else (), **extent(p))


def p_entries(p: Any) -> None:
    """entries : entries COMMA entry
    | entry"""
    p[0] = [*p[1], p[3]] if len(p) > 2 else [p[1]]


def p_entry(p: Any) -> None:
    "entry : expression COLON expression"
    p[0] = (p[1], p[3])


def p_entry_name(p: Any) -> None:
    "entry : KEYNAME COLON expression"
    start, end = p.lexspan(1)
    p[0] = (syntax.Name(p[1], start=start, end=end), p[3])


def p_call(p: Any) -> None:
    "primary : primary LPAREN arguments RPAREN"
    callee = p[1]
    if isinstance(callee, syntax.Member):
        p[0] = syntax.Method(callee.receiver, callee.name, tuple(p[3]), **extent(p))
    else:
        p[0] = syntax.Call(callee, tuple(p[3]), **extent(p))


def p_member(p: Any) -> None:
    "primary : primary DOT IDENT"
    p[0] = syntax.Member(p[1], p[3], **extent(p))


def p_member_of_module(p: Any) -> None:
    "primary : primary DOT DOMAIN COLON IDENT LPAREN arguments RPAREN"
    p[0] = syntax.Method(p[1], p[5], tuple(p[7]), p[3], **extent(p))


def p_index(p: Any) -> None:
    "primary : primary LBRACKET expression RBRACKET"
    p[0] = syntax.Index(p[1], p[3], **extent(p))


def p_path(p: Any) -> None:
    "primary : primary LBRACE expression RBRACE"
    p[0] = syntax.Path(p[1], p[3], **extent(p))


def p_arguments(p: Any) -> None:
    """arguments : argument_list
    | argument_list COMMA
    | empty"""
    p[0] = p[1] or []


def p_argument_list(p: Any) -> None:
    """argument_list : argument_list COMMA argument
    | argument"""
    p[0] = [*p[1], p[3]] if len(p) > 2 else [p[1]]


def p_argument(p: Any) -> None:
    """argument : expression
    | BINDER EQUALS expression"""
    name = p[1] if len(p) > 2 else None
    p[0] = syntax.Argument(p[len(p) - 1], name, **extent(p))


def p_function(p: Any) -> None:
    "primary : FUNCTION LPAREN parameters RPAREN LBRACE body RBRACE"
    p[0] = replace(p[6], parameters=tuple(p[3]), **extent(p))


def p_body(p: Any) -> None:
    "body : declarations result"
    p[0] = syntax.Function((), tuple(p[1]), p[2], start=p[2].start, end=p[2].end)


def p_result(p: Any) -> None:
    """result : expression
    | RETURN expression
    | result SEMICOLON"""
    p[0] = p[1] if isinstance(p[1], syntax.Node) else p[2]


def p_defaction(p: Any) -> None:
    """primary : DEFACTION LPAREN parameters RPAREN LBRACE configure declarations actions RBRACE
    | DEFACTION LPAREN parameters RPAREN LBRACE configure declarations actions returned RBRACE"""
    result = p[9] if len(p) == 11 else None
    p[0] = syntax.Defaction(tuple(p[3]), tuple(p[6]), tuple(p[7]), p[8], result, **extent(p))


def p_configure(p: Any) -> None:
    """configure : CONFIGURE USING options
    | empty"""
    p[0] = p[3] if len(p) == 4 else []


def p_returned(p: Any) -> None:
    """returned : RETURN expression
    | RETURNS expression
    | returned SEMICOLON"""
    p[0] = p[1] if isinstance(p[1], syntax.Node) else p[2]


def p_returned_many(p: Any) -> None:
    "returned : RETURNS expression COMMA items"
    p.parser.fault("found several values, wanted one: a defaction returns a single value", *p.lexspan(2))


def p_parameters(p: Any) -> None:
    """parameters : parameter_list
    | parameter_list COMMA
    | empty"""
    p[0] = p[1] or []


def p_parameter_list(p: Any) -> None:
    """parameter_list : parameter_list COMMA parameter
    | parameter"""
    p[0] = [*p[1], p[3]] if len(p) > 2 else [p[1]]


def p_parameter(p: Any) -> None:
    """parameter : IDENT
    | BINDER EQUALS expression"""
    p[0] = syntax.Parameter(p[1], p[3] if len(p) > 2 else None, **extent(p))


def p_declarations(p: Any) -> None:
    """declarations : declarations declaration
    | declarations SEMICOLON
    | empty"""
    p[0] = [*p[1], p[2]] if len(p) > 2 and p[2] != ";" else p[1] or []


def p_declaration(p: Any) -> None:
    "declaration : BINDER EQUALS expression"
    p[0] = syntax.Declaration(p[1], p[3], **extent(p))


def p_bindings(p: Any) -> None:
    """bindings : bindings AND declaration
    | bindings declaration
    | declaration"""
    p[0] = [*p[1], p[len(p) - 1]] if len(p) > 2 else [p[1]]


def p_options(p: Any) -> None:
    """options : options AND declaration
    | declaration"""
    p[0] = [*p[1], p[3]] if len(p) > 2 else [p[1]]


def p_names(p: Any) -> None:
    """names : names COMMA name
    | name"""
    p[0] = [*p[1], p[3]] if len(p) > 2 else [p[1]]


def p_one_name(p: Any) -> None:
    "name : IDENT"
    p[0] = syntax.Name(p[1], **extent(p))


def p_setting(p: Any) -> None:
    """setting : SETTING LPAREN names RPAREN
    | SETTING LPAREN names COMMA RPAREN
    | SETTING LPAREN RPAREN"""
    p[0] = tuple(name.id for name in p[3]) if len(p) > 4 else ()


def p_trail_current(p: Any) -> None:
    "trail : CURRENT persistent"
    p[0] = syntax.Current(syntax.Literal(0), p[2], **extent(p))


def p_trail_history(p: Any) -> None:
    "trail : HISTORY primary persistent"
    place = p[2].inner if isinstance(p[2], syntax.Group) else p[2]  # parentheses mean nothing here
    p[0] = syntax.Current(place, p[3], **extent(p))


def p_trail_seen(p: Any) -> None:
    """trail : SEEN primary IN persistent %prec TRAIL
    | SEEN primary IN persistent within"""
    within = p[5] if len(p) > 5 else None
    p[0] = syntax.Seen(p[2], p[4], within=within, **extent(p))


def p_trail_seen_order(p: Any) -> None:
    """trail : SEEN primary BEFORE primary IN persistent
    | SEEN primary AFTER primary IN persistent"""
    p[0] = syntax.Seen(p[2], p[6], p[3], p[4], **extent(p))


def p_lately(p: Any) -> None:
    "operation : operation WITHIN_TIME operation PERIOD"
    p[0] = syntax.Lately(p[1], syntax.Within(p[3], p[4].rstrip("s")), **extent(p))


def p_within(p: Any) -> None:
    "within : WITHIN operation PERIOD"
    p[0] = syntax.Within(p[2], p[3].rstrip("s"), **extent(p))


def p_empty(p: Any) -> None:
    "empty :"
