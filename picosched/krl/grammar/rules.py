"""Productions of rulesets: meta, global, and rules as far as their actions."""

from __future__ import annotations

from typing import Any

from picosched.krl import syntax
from picosched.krl.grammar.expressions import extent, verbatim


def p_ruleset(p: Any) -> None:
    "ruleset : RULESET RID LBRACE meta dispatch globals rules RBRACE"
    p[0] = syntax.Ruleset(p[2], tuple(p[4]), tuple(p[6]), tuple(p[7]), p[5], **extent(p))


# ---- meta -----------------------------------------------------------------------------------------


def p_meta(p: Any) -> None:
    """meta : META LBRACE properties RBRACE
    | empty"""
    p[0] = p[3] if len(p) > 2 else []


def p_properties(p: Any) -> None:
    """properties : properties property
    | properties SEMICOLON
    | empty"""
    p[0] = [*p[1], p[2]] if len(p) > 2 and p[2] != ";" else p[1] or []


def p_property(p: Any) -> None:
    """property : NAME expression
    | DESCRIPTION expression
    | AUTHOR expression
    | VERSION expression"""
    p[0] = syntax.Property(p[1], p[2], **extent(p))


def p_property_switch(p: Any) -> None:
    """property : LOGGING ON
    | LOGGING OFF
    | SHARING ON
    | SHARING OFF
    | DIALECT CLASSIC
    | AUTHZ REQUIRE USER"""
    p[0] = syntax.Property(p[1], syntax.Literal(p[2]), **extent(p))


def p_property_shares(p: Any) -> None:
    """property : SHARES names
    | SHARE names
    | PROVIDES names
    | PROVIDE names"""
    p[0] = syntax.Shares("shares" if p[1].startswith("share") else "provides", tuple(p[2]), **extent(p))


def p_property_provides_keys(p: Any) -> None:
    """property : PROVIDES KEYS names TO rids
    | PROVIDE KEYS names TO rids"""
    p[0] = syntax.ProvidesKeys(tuple(p[3]), tuple(p[5]), **extent(p))


def p_rids(p: Any) -> None:
    """rids : rids COMMA RID
    | RID"""
    p[0] = [*p[1], p[3]] if len(p) > 2 else [p[1]]


def p_property_key(p: Any) -> None:
    """property : KEY IDENT expression
    | KEYS IDENT expression"""
    p[0] = syntax.Key(p[2], p[3], **extent(p))


def p_property_use(p: Any) -> None:
    "property : USE MODULE RID module_version module_alias module_config"
    p[0] = syntax.UseModule(p[3], p[4], p[5], tuple(p[6] or ()), **extent(p))


def p_module_version(p: Any) -> None:
    """module_version : VERSION expression
    | %prec EXPRESSION"""
    p[0] = p[2] if len(p) > 2 else None


def p_module_alias(p: Any) -> None:
    """module_alias : ALIAS IDENT
    | empty"""
    p[0] = p[2] if len(p) > 2 else None


def p_module_config(p: Any) -> None:
    """module_config : WITH bindings
    | empty"""
    p[0] = p[2] if len(p) > 2 else None


def p_property_resource(p: Any) -> None:
    """property : USE CSS RESOURCE expression
    | USE JAVASCRIPT RESOURCE expression"""
    p[0] = verbatim(p)


def p_property_configure(p: Any) -> None:
    "property : CONFIGURE USING bindings"
    p[0] = syntax.Configure(tuple(p[3]), **extent(p))


def p_property_window(p: Any) -> None:
    "property : WINDOW IDENT FROM expression TO expression window_zone"
    p[0] = syntax.Window(p[2], p[4], p[6], p[7], **extent(p))


def p_window_zone(p: Any) -> None:
    """window_zone : IN expression
    | %prec EXPRESSION"""
    p[0] = p[2] if len(p) > 2 else None


def p_property_errors(p: Any) -> None:
    "property : ERRORS TO RID module_version"
    p[0] = syntax.ErrorsTo(p[3], p[4], **extent(p))


# ---- dispatch and global --------------------------------------------------------------------------


def p_dispatch(p: Any) -> None:
    """dispatch : DISPATCH BLOCK
    | empty"""
    p[0] = verbatim(p) if len(p) > 2 else None


def p_globals(p: Any) -> None:
    """globals : GLOBAL LBRACE global_list RBRACE
    | empty"""
    p[0] = p[3] if len(p) > 2 else []


def p_global_list(p: Any) -> None:
    """global_list : global_list declaration
    | global_list classic_global
    | global_list SEMICOLON
    | empty"""
    p[0] = [*p[1], p[2]] if len(p) > 2 and p[2] != ";" else p[1] or []


def p_classic_global(p: Any) -> None:
    """classic_global : EMIT expression
    | CSS expression
    | DATASET IDENT FROM_URL expression cachable
    | DATASET DOMAIN COLON IDENT FROM_URL expression cachable
    | DATASOURCE IDENT FROM_URL expression cachable
    | DATASOURCE DOMAIN COLON IDENT FROM_URL expression cachable"""
    p[0] = verbatim(p)


def p_cachable(p: Any) -> None:
    """cachable : CACHABLE FOR INTEGER PERIOD
    | CACHABLE
    | empty"""


# ---- rules ----------------------------------------------------------------------------------------


def p_rules(p: Any) -> None:
    """rules : rules rule
    | rules SEMICOLON
    | empty"""
    p[0] = [*p[1], p[2]] if len(p) > 2 and p[2] != ";" else p[1] or []


def p_rule(p: Any) -> None:
    """rule : RULE name state LBRACE RBRACE
    | RULE name state LBRACE select semicolons foreach prelude actions postlude RBRACE
    | RULE name state LBRACE select semicolons foreach prelude postlude RBRACE"""
    name = p[2].id
    place = {"start": p[2].start, "end": p[2].end}  # what an error about a rule points at
    if len(p) == 6:
        p[0] = syntax.Rule(name, p[3], **place)
    else:
        actions = p[9] if len(p) == 12 else None
        p[0] = syntax.Rule(name, p[3], p[5], tuple(p[7]), tuple(p[8]), actions, p[len(p) - 2], **place)


def p_state(p: Any) -> None:
    """state : IS ACTIVE
    | IS INACTIVE
    | IS TEST
    | empty"""
    p[0] = p[2] if len(p) > 2 else "active"


def p_semicolons(p: Any) -> None:
    """semicolons : semicolons SEMICOLON
    | empty"""


def p_foreach(p: Any) -> None:
    """foreach : foreach FOREACH expression setting semicolons
    | empty"""
    if len(p) > 2:
        p[0] = [*p[1], syntax.Foreach(p[3], p[4], start=p.lexspan(2)[0], end=p.lexspan(4)[1])]
    else:
        p[0] = []


def p_prelude(p: Any) -> None:
    """prelude : PRE LBRACE declarations RBRACE semicolons
    | empty"""
    p[0] = p[3] if len(p) > 2 else []
