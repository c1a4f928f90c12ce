"""Productions of postludes and the statements in them."""

from __future__ import annotations

from typing import Any

from picosched.krl import syntax
from picosched.krl.grammar.expressions import extent


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
    target, path = p[1]
    p[0] = syntax.Assign(target, path, p[3], **extent(p))


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
    target, path = p[2]
    p[0] = syntax.Set(target, path, p[3] if len(p) > 3 else None, **extent(p))


def p_statement_clear(p: Any) -> None:
    "statement : CLEAR target"
    target, path = p[2]
    p[0] = syntax.Clear(target, path, **extent(p))


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
    domain, type = p[2]
    p[0] = syntax.ScheduleEvent(domain, type, at=p[4], **extent(p))


def p_schedule_repeat(p: Any) -> None:
    "schedule : SCHEDULE event_name REPEAT expression"
    domain, type = p[2]
    p[0] = syntax.ScheduleEvent(domain, type, repeat=p[4], **extent(p))


def p_schedule_never(p: Any) -> None:
    """schedule : SCHEDULE event_name event_attributes
    | SCHEDULE event_name setting"""
    place = extent(p)
    p.parser.fault("found a schedule without a time, wanted `at` or `repeat`", place["start"], place["end"])


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
