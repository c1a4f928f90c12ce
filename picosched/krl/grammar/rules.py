"""Productions of rulesets: meta, global, rules, their actions and postludes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from picosched.krl import syntax
from picosched.krl.grammar.expressions import extent


def p_ruleset(p: Any) -> None:
    "ruleset : RULESET RID LBRACE meta dispatch globals rules RBRACE"
    p[0] = syntax.Ruleset(p[2], tuple(p[4]), tuple(p[6]), tuple(p[7]), **extent(p))


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
    p[0] = syntax.Ignored(f"use {p[2]} resource", **extent(p))


def p_property_configure(p: Any) -> None:
    "property : CONFIGURE USING bindings"
    p[0] = syntax.Configure(tuple(p[3]), **extent(p))


def p_property_errors(p: Any) -> None:
    "property : ERRORS TO RID module_version"
    p[0] = syntax.ErrorsTo(p[3], **extent(p))


# ---- dispatch and global --------------------------------------------------------------------------


def p_dispatch(p: Any) -> None:
    """dispatch : DISPATCH BLOCK
    | empty"""


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
    | DATASOURCE IDENT FROM_URL expression cachable
    | DATASOURCE DOMAIN COLON IDENT FROM_URL expression cachable"""
    p[0] = syntax.Ignored(p[1], **extent(p))


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


# ---- actions --------------------------------------------------------------------------------------


def p_actions(p: Any) -> None:
    """actions : action_block
    | emits action_block
    | emits
    | actions CALLBACKS BLOCK"""
    if len(p) == 4:
        p[0] = p[1]
    else:
        p[0] = p[len(p) - 1] or syntax.ActionBlock("every", (), **extent(p))


def p_emits(p: Any) -> None:
    """emits : EMIT expression semicolons
    | emits EMIT expression semicolons"""
    p[0] = None


def p_action_block(p: Any) -> None:
    "action_block : ordered"
    p[0] = p[1]


def p_action_block_if(p: Any) -> None:
    """action_block : IF expression THEN ordered
    | IF expression THEN LBRACE action_list RBRACE semicolons"""
    block = p[4] if len(p) == 5 else syntax.ActionBlock("every", tuple(p[5]))
    p[0] = syntax.ActionBlock(block.order, block.actions, p[2], block.selector, **extent(p))


def p_ordered_one(p: Any) -> None:
    "ordered : action semicolons"
    p[0] = syntax.ActionBlock("one", (p[1],), **extent(p))


def p_ordered_list(p: Any) -> None:
    """ordered : EVERY LBRACE action_list RBRACE semicolons
    | SAMPLE LBRACE action_list RBRACE semicolons"""
    p[0] = syntax.ActionBlock(p[1], tuple(p[3]), **extent(p))


def p_ordered_choose(p: Any) -> None:
    """ordered : CHOOSE selector LBRACE action_list RBRACE semicolons
    | CHOOSE LBRACE action_list RBRACE semicolons"""
    if len(p) == 7:
        p[0] = syntax.ActionBlock("choose", tuple(p[4]), None, p[2], **extent(p))
    else:
        p[0] = syntax.ActionBlock("sample", tuple(p[3]), **extent(p))


def p_selector(p: Any) -> None:
    """selector : IDENT
    | DOMAIN COLON IDENT
    | persistent
    | STRING
    | LPAREN expression RPAREN"""
    # A brace behind it opens the block, so a path needs parentheses: `choose (event:attrs{"w"}) {`.
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
    | action_list EMIT expression
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


# ---- postlude -------------------------------------------------------------------------------------


def p_postlude_always(p: Any) -> None:
    "postlude : ALWAYS block"
    p[0] = syntax.Postlude(final=p[2], **extent(p))


def p_postlude_fired(p: Any) -> None:
    """postlude : FIRED block else finally
    | NOTFIRED block else finally"""
    fired, notfired = (p[2], p[3]) if p[1] == "fired" else (p[3], p[2])
    p[0] = syntax.Postlude(fired, notfired, p[4], **extent(p))


def p_postlude_none(p: Any) -> None:
    "postlude : empty"


def p_else(p: Any) -> None:
    """else : ELSE block
    | empty"""
    p[0] = p[2] if len(p) > 2 else ()


def p_finally(p: Any) -> None:
    """finally : FINALLY block
    | empty"""
    p[0] = p[2] if len(p) > 2 else ()


def p_block(p: Any) -> None:
    "block : LBRACE statements RBRACE"
    p[0] = tuple(p[2])


def p_statements(p: Any) -> None:
    """statements : statements guarded
    | statements SEMICOLON
    | empty"""
    p[0] = [*p[1], p[2]] if len(p) > 2 and p[2] != ";" else p[1] or []


def p_guarded(p: Any) -> None:
    """guarded : statement
    | statement IF expression
    | statement ON_FINAL"""
    if len(p) == 2:
        p[0] = p[1]
    else:
        guard = syntax.Guard(p[3] if len(p) == 4 else None, start=p.lexspan(2)[0], end=p.lexspan(0)[1])
        p[0] = syntax.Guarded(p[1], guard, **extent(p))


def p_path_of(p: Any) -> None:
    """target : persistent %prec EXPRESSION
    | persistent LBRACE expression RBRACE
    | persistent LBRACKET expression RBRACKET"""
    p[0] = (p[1], p[3] if len(p) > 2 else None)


def p_statement_assign(p: Any) -> None:
    "statement : target ASSIGN expression"
    p[0] = syntax.Assign(*p[1], p[3], **extent(p))


def p_statement_count(p: Any) -> None:
    """statement : target PLUS_EQ expression
    | target MINUS_EQ expression
    | target PLUS_EQ expression FROM expression
    | target MINUS_EQ expression FROM expression"""
    target, path = p[1]
    begin = p[5] if len(p) > 4 else None
    p[0] = syntax.Count(target, p[2], p[3], begin, path, **extent(p))


def p_statement_set(p: Any) -> None:
    """statement : SET target %prec EXPRESSION
    | SET target expression"""
    p[0] = syntax.Set(*p[2], p[3] if len(p) > 3 else None, **extent(p))


def p_statement_clear(p: Any) -> None:
    "statement : CLEAR target"
    p[0] = syntax.Clear(*p[2], **extent(p))


def p_statement_mark(p: Any) -> None:
    """statement : MARK persistent
    | MARK persistent WITH expression"""
    p[0] = syntax.Mark(p[2], p[4] if len(p) > 3 else None, **extent(p))


def p_statement_forget(p: Any) -> None:
    "statement : FORGET primary IN persistent"
    p[0] = syntax.Forget(p[2], p[4], **extent(p))


def p_statement_local(p: Any) -> None:
    "statement : declaration"
    p[0] = syntax.Local(p[1], **extent(p))


def p_statement_raise(p: Any) -> None:
    """statement : RAISE event_name
    | RAISE event_name FOR expression
    | RAISE event_name event_attributes
    | RAISE event_name FOR expression event_attributes"""
    domain, type = p[2]
    rids = attributes = None
    for index, part in enumerate(p.slice[3:], 3):
        if part.type == "expression":
            rids = p[index]
        elif part.type == "event_attributes":
            attributes = p[index]
    p[0] = syntax.Raise(domain, type, rids, attributes, **extent(p))


def p_event_name(p: Any) -> None:
    """event_name : event_word EVENT expression
    | EVENT expression"""
    p[0] = (p[1], p[3]) if len(p) > 3 else (None, p[2])


def p_event_attributes(p: Any) -> None:
    """event_attributes : ATTRIBUTES expression
    | WITH options"""
    if p[1] == "attributes":
        p[0] = p[2]
    else:
        entries = tuple((syntax.Literal(each.name), each.value) for each in p[2])
        p[0] = syntax.Map(entries, **extent(p))


def p_schedule_at(p: Any) -> None:
    "schedule : SCHEDULE event_name AT expression"
    p[0] = syntax.ScheduleEvent(*p[2], at=p[4], **extent(p))


def p_schedule_repeat(p: Any) -> None:
    "schedule : SCHEDULE event_name REPEAT expression"
    p[0] = syntax.ScheduleEvent(*p[2], repeat=p[4], **extent(p))


def p_statement_schedule(p: Any) -> None:
    """statement : schedule
    | schedule event_attributes
    | schedule setting
    | schedule event_attributes setting"""
    plain = p[1]
    attributes = setting = None
    for part in p.slice[2:]:
        if part.type == "event_attributes":
            attributes = part.value
        else:
            setting = part.value[0] if part.value else None
    p[0] = syntax.ScheduleEvent(
        plain.domain, plain.type, plain.at, plain.repeat, attributes, setting, **extent(p)
    )


def p_statement_log(p: Any) -> None:
    """statement : LOG expression
    | LOG LEVEL expression
    | ERROR expression
    | ERROR LEVEL expression"""
    word = p[1]
    level = p[2] if len(p) == 4 else ("info" if word == "log" else "warn")
    if level not in ("error", "warn", "info", "debug"):
        p.parser.fault(f'found the level "{level}", wanted error, warn, info or debug', *p.lexspan(2))
    p[0] = (syntax.Log if word == "log" else syntax.Error)(level, p[len(p) - 1], **extent(p))


def p_statement_last(p: Any) -> None:
    "statement : LAST"
    p[0] = syntax.Last(**extent(p))
