"""Finds brackets on a new line that continue the expression before them."""

from __future__ import annotations

from picosched.check.subject import Subject
from picosched.krl import syntax

MEANINGS = {"LBRACKET": "an index", "LBRACE": "a path", "LPAREN": "the arguments of a call"}


def look_at_layout(subject: Subject) -> None:
    for node in subject.nodes:
        if isinstance(node, syntax.Index | syntax.Path | syntax.Call | syntax.Method):
            bracket = subject.places.continued(node)
            if bracket is not None:
                place = syntax.Node(start=bracket.lexpos, end=bracket.endlexpos)
                said = (
                    f"read as {MEANINGS[bracket.type]} of what stands before it; a `;` there would end that"
                )
                subject.say("W204", said, place)
