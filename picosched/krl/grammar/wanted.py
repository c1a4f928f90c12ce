"""What a syntax error says was wanted: how to write what was meant, or else the tokens that may stand there.

The parser's tables are those of an LALR grammar: a state lists tokens that may follow in some place that
shares it. So each is tried on the parser's stack, and only those that could be shifted are named.

Some mistakes are common, and the tokens that may stand there do not tell how to write it: they have a hint
each (`HINTS`). A hint looks at the tokens around the error, and at which tokens may stand there; it may point
at another token, where the mistake begins.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from picosched.krl import lexer
from picosched.krl.grammar.expressions import precedence
from picosched.krl.grammar.tokens import CLOSING, KEYWORDS, ONLY_BEFORE, OPENING, PERSISTENT, Tokens
from picosched.krl.operators import INFIX, PREFIX

WORDS = {
    "IDENT": "a name",
    "BINDER": "a declaration",
    "DOMAIN": "a name",
    "WORD": "a name",
    "PAGE_EVENT": "a name",
    "LEVEL": "a level such as info",
    "PERSISTENT": "`ent:`",
    "KEYNAME": "a key",
    "ATTRIBUTE": "an attribute",
    "RID": "a ruleset id",
    "PERIOD": "a period such as minutes",
    "STRING": "a string",
    "INTEGER": "a whole number",
    "NUMBER": "a number",
    "REGEX": "a regular expression",
    "CHEVRON_OPEN": "a chevron",
    "BLOCK": "a block",
    "ACTIONS": "`{`",
    "WITHIN_TIME": "`within`",
    "BEE_CLOSE": "`}`",
    "CHEVRON_CLOSE": "`>>`",
    "ON_FINAL": "`on final`",
    **{type: f"`{text}`" for type, text in lexer.PUNCTUATION.items()},
}
"""How an error names a kind of token."""

USUAL = """
    ASSIGN PLUS_EQ MINUS_EQ EQUALS COLON ARROW BAR COMMA RPAREN RBRACKET BEE_CLOSE RBRACE CHEVRON_CLOSE
    LBRACE BINDER IDENT DOMAIN PERSISTENT STRING REGEX ATTRIBUTE LPAREN LBRACKET
    ALIAS RULESET META GLOBAL RULE SELECT WHEN WHERE FOREACH PRE IF THEN EVERY CHOOSE SAMPLE FIRED ELSE ALWAYS
    FINALLY NOTFIRED AT REPEAT RAISE SCHEDULE EVENT ATTRIBUTES LOG LAST ERROR CLEAR SET WITH SETTING FOR
    NAME DESCRIPTION AUTHOR USE MODULE SHARES PROVIDES CONFIGURE USING KEY TO AND OR BEFORE
""".split()
"""The tokens that are used most, those first that go on or close what was begun."""

CLASSIC = set("EMIT CALLBACKS CSS JAVASCRIPT DATASET DATASOURCE CACHABLE DISPATCH AUTHZ SHARING".split())
"""Tokens of the classic language alone, which are accepted and advertised to nobody."""

MOST = 7
"""Kinds of token that an error names."""

EXPRESSION = {"STRING", "LPAREN", "FUNCTION"}
_BEGIN_EXPRESSION = {
    *("IDENT", "DOMAIN", "PERSISTENT", "STRING", "INTEGER", "NUMBER", "REGEX", "RAW", "CHEVRON_OPEN"),
    *("LPAREN", "LBRACKET", "LBRACE", "FUNCTION", "DEFACTION", "NULL", "TRUE", "FALSE"),
    *("CURRENT", "HISTORY", "SEEN"),
    *(sign.token for sign in PREFIX.values()),
}
_OPERATORS = {sign.token for sign in INFIX.values()}
_GO_ON = {"ARROW"} | {type for _, *row in precedence for type in row}

STATEMENTS = frozenset("raise schedule log error clear set mark forget last".split())
ASSIGNMENTS = ("ASSIGN", "PLUS_EQ", "MINUS_EQ")
OPERANDS = lexer.OPERAND_ENDS | {"IDENT", "NULL", "TRUE", "FALSE"}

Misplaced = tuple[Any, str]
"""The token to point at, None for the end of the text, and what was wanted there."""


def misplaced(stream: Tokens, token: Any) -> Misplaced:
    """What is wrong where the parser cannot go on: at the last token read, or at the end if it is None."""
    place = Place(stream, stream.read if token is None else stream.read - 1)
    found = next((found for hint in HINTS if (found := hint(place))), None)
    at, wanted = found or (token, tokens_wanted(stream))
    return at, wanted + _chevron_before(place)


def tokens_wanted(stream: Tokens, stack: list[int] | None = None) -> str:
    """The tokens that could stand next, in words: an expression as a whole, then the most used."""
    stack = stack or stream.stack
    types = {type for type in stream.follow(stack) if stream.acceptable(type, stack=[*stack])}
    types = types - CLASSIC or types
    found: list[str] = []
    if types >= EXPRESSION:
        types -= _BEGIN_EXPRESSION
        found.append("an expression")
    if types >= _OPERATORS:
        types -= _GO_ON
        found.append("an operator")
    ends = "$end" in types
    names = dict.fromkeys(
        WORDS.get(type, f"`{type.lower()}`") for type in sorted(types - {"$end"}, key=_rank)
    )
    found += [*names, *(["the end"] if ends else [])]
    if len(found) > MOST:
        found[MOST - 1 :] = ["…"]
    return ", ".join(found[:-1]) + " or " + found[-1] if len(found) > 1 else "".join(found)


def _rank(type: str) -> tuple[bool, int, str]:
    """Where it stands among those wanted; `;` is last, since hardly any is needed."""
    return type == "SEMICOLON", USUAL.index(type) if type in USUAL else len(USUAL), type


@dataclass(frozen=True, slots=True)
class Place:
    """An offending token among its neighbours. Those after it have the types that the lexer gives."""

    stream: Tokens
    index: int

    def at(self, distance: int = 0) -> Any:
        return self.stream.at(self.index + distance)

    def kind(self, distance: int = 0) -> str:
        token = self.at(distance)
        return "END" if token is None else token.type

    def kinds(self, start: int, end: int) -> tuple[str, ...]:
        return tuple(self.kind(distance) for distance in range(start, end))

    def word(self, distance: int = 0) -> str:
        token = self.at(distance)
        return str(token.value) if token is not None and self.kind(distance) != "STRING" else ""

    def can(self, *types: str) -> bool:
        return self.stream.acceptable(*types)

    @property
    def calls(self) -> bool:
        """Whether `name(` or `module:name(` stands here."""
        return self.kind(1) == "LPAREN" or self.kinds(1, 4) == ("COLON", "WORD", "LPAREN")

    def lacks_brace(self, distance: int = 0) -> bool:
        """Whether a word that opens a block stands here without its brace."""
        return ONLY_BEFORE.get(self.word(distance)) == ("LBRACE",) and self.kind(distance + 1) != "LBRACE"

    def states(self, distance: int = 0) -> bool:
        """Whether a statement of a postlude begins here: `raise domain …`, `ent:name := …`."""
        word, following = self.word(distance), self.kind(distance + 1)
        if word in PERSISTENT:
            return following == "COLON" and self.kind(distance + 3) in (*ASSIGNMENTS, "LBRACE", "LBRACKET")
        return word in STATEMENTS and following not in ("LPAREN", "ARROW", "COLON", "EQUALS")


def _equals(place: Place) -> Misplaced | None:
    """`=` for `:=`, `==` or `:`. In `c = 1` the name is taken for that of a declaration."""
    stack = list(place.stream.stack)
    sign = place.at()
    if place.kind() == "BINDER" and not place.stream.apart(place.at(-1), place.at()):
        kinds = (KEYWORDS.get(place.word(), ""), "KEYNAME", "IDENT")
        kind = next((kind for kind in kinds if kind and place.can(kind)), None)
        if kind is None:
            return None
        place.stream.acceptable(kind, stack=stack)
        sign = place.at(1)
    elif place.kind() != "EQUALS":
        return None
    for wanted in ("ASSIGN", "COLON", "EQ"):
        if place.stream.acceptable(wanted, stack=[*stack]):
            return sign, WORDS[wanted]
    return sign, tokens_wanted(place.stream, stack)


def _comma(place: Place) -> Misplaced | None:
    if place.kind() == "COMMA" and place.kind(-1) in OPERANDS:
        parts = {"RAISE": "statements", "BINDER": "declarations", "AUTHOR": "properties"}
        for type, what in parts.items():
            if place.can(type):
                return place.at(), f"no comma between {what}"
    return None


def _statement_elsewhere(place: Place) -> Misplaced | None:
    """A statement where only actions or declarations may stand."""
    in_postlude = "it in a postlude such as `fired { … }`"
    called = place.can("LPAREN") and not place.can("EQ")  # a name was taken for that of an action
    if called and place.states(-1):
        return place.at(-1), in_postlude
    if called and place.kind() in (*ASSIGNMENTS, "LBRACE", "LBRACKET") and place.word(-3) in PERSISTENT:
        return place.at(-3), in_postlude
    if place.states() and not place.can("RAISE") and (place.can("CALLBACKS") or place.can("BINDER")):
        return place.at(), in_postlude
    return None


def _action_elsewhere(place: Place) -> Misplaced | None:
    """An action in a postlude, or a second one without braces."""
    if place.can("RAISE") and place.calls:
        return place.at(), "a statement: actions stand before `fired`"
    if place.can("RAISE") and place.word() == "if":
        return place.at(), "a statement, with its `if` behind it"
    if place.can("CALLBACKS") and place.calls:
        return place.at(), "`every { … }` around several actions"
    if place.can("CALLBACKS") and place.word() in ("if", "every", "choose", "sample"):
        return place.at(), "a single block of actions"
    return None


def _variable(place: Place) -> Misplaced | None:
    """A name where a variable is set."""
    if place.kind() != "IDENT" or place.word() in PERSISTENT:
        return None
    sets = place.kind(1) in ASSIGNMENTS or place.kind(-1) in ("SET", "CLEAR", "MARK")
    if sets and place.can("PERSISTENT") and not place.can("IDENT"):
        return place.at(), f"`ent:{place.word()[:30]}`"
    if place.kind(1) in ASSIGNMENTS and place.can("BINDER"):
        return place.at(), f"`{place.word()[:30]} = …`"
    return None


def _then(place: Place) -> Misplaced | None:
    """`if test { action() }`: its brace is taken for a path of the test."""
    if place.can("THEN") and place.kinds(-2, 0) == ("RPAREN", "RBRACE"):
        if place.kind() in ("RBRACE", "FIRED", "NOTFIRED", "ALWAYS", "END"):
            return place.stream.at(place.stream.opening(place.index - 1)), "`then`"
    elif place.calls and place.can("RBRACE") and place.kind(-1) == "RPAREN":
        symbols = reversed(place.stream.symbols)
        brace = next((each for each in symbols if each.type in OPENING), None)
        for each in symbols:
            if each.type == "IF" and brace is not None and brace.type == "LBRACE":
                return brace, "`then`"
            if each.type not in ("primary", "operation", *_OPERATORS):
                return None
    return None


def _word_for_sign(place: Place) -> Misplaced | None:
    """`a and b`; not between events, nor between declarations as in `with a = 1 and b = 2`."""
    signs = {"and": "`&&`", "or": "`||`"}
    within = ("WHEN", *OPENING)
    if next((each.type for each in reversed(place.stream.symbols) if each.type in within), "") == "WHEN":
        return None
    if place.word() in signs and place.kind(-1) in OPERANDS and place.kinds(1, 3) != ("WORD", "EQUALS"):
        return place.at(), signs[place.word()]
    return None


def _block(place: Place) -> Misplaced | None:
    """`fired`, `pre` and others without their brace."""
    if place.lacks_brace() and place.can(KEYWORDS[place.word()]):
        return place.at(1), "`{`"
    if place.lacks_brace(-1) and place.kind(-1) == "IDENT" and place.can("ARROW") and not place.can("EQ"):
        return place.at(), "`{`"  # the word was taken for the name of an action
    return None


HINTS: tuple[Callable[[Place], Misplaced | None], ...] = (
    _equals,
    _comma,
    _statement_elsewhere,
    _action_elsewhere,
    _variable,
    _then,
    _word_for_sign,
    _block,
)


def _chevron_before(place: Place) -> str:
    """Where a chevron ended, if the text goes on behind its `>>` without a blank."""
    for distance in (-1, -2):
        if place.kind(distance) == "CHEVRON_CLOSE":
            end, following = place.at(distance), place.at(distance + 1)
            ends_too = (*CLOSING, "COMMA", "SEMICOLON", "DOT", "END")
            if place.kind(distance + 1) not in ends_too and following.lexpos == end.endlexpos:
                line, _ = place.stream.source.place(end.lexpos)
                return f"; the chevron ended at `>>` on line {line}"
    return ""
