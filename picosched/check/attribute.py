"""Expressions that read one attribute of the event: `event:attrs{"name"}` and `event:attr("name")`."""

from __future__ import annotations

from picosched.krl import syntax


def attribute_of(node: syntax.Node) -> str | None:
    """The name of the attribute that an expression reads; None if it is another expression."""
    match node:
        case syntax.Path(
            receiver=syntax.Qualified("event", "attrs"), path=syntax.Literal(value=str(name))
        ) | syntax.Call(
            syntax.Qualified("event", "attr" | "attrs"),
            (syntax.Argument(syntax.Literal(value=str(name)), None),),
        ):
            return name
    return None
