"""Evaluates an expression that belongs to no ruleset."""

from __future__ import annotations

from picosched.krl import grammar
from picosched.krl.compiler import compile_body
from picosched.krl.resolver import resolve_body
from picosched.krl.ruleset import refuse
from picosched.krl.running import running
from picosched.krl.scope import Scope, Value
from picosched.krl.source import Source


def evaluate_body(text: str, scope: Scope, name: str = "<expression>") -> Value:
    """The value of an expression, optionally preceded by declarations, in a scope."""
    source = Source(name, text)
    tree = grammar.parse_body(source)
    refuse(resolve_body(tree, source))
    return running(compile_body(tree, source), scope)
